// Package updatestatus judges one installed Drupal project against its release
// history, giving exactly the answer that the Update Status module of the
// site's own Drupal core would give.
//
// Promises:
//
//   - It is pure. ParseFeed reads what it is given; nothing opens a file or a
//     connection, looks at the clock or keeps state.
//   - The same input gives the same verdict, and a Feed that was prepared (as
//     ParseFeed does) may be shared by any number of goroutines.
//   - Feeds and versions are hostile input: no input makes it panic, and what
//     a feed may cost in time and memory is bounded (see Limits).
//
// Three things are easily assumed and wrong. A newer security update does not
// make a project insecure, only the term on the installed release does (except
// under Drupal 7's rules). Nothing is sorted as a version: the order of the
// feed decides, and the major is the only number compared. A release the
// site's core cannot run is recommended all the same.
package updatestatus
