// Package composerlock reads from a composer.lock what of Drupal is on a site.
//
// Promises:
//
//   - It is pure: bytes in, values out.
//   - It never guesses. A package counts as a project of drupal.org when the lock
//     says that it came from there, and its version is what drupal.org calls it,
//     or none. (Composer calls both 1.15.0 and 8.x-1.15 by the name 1.15.0.)
//   - A lock is hostile input: nothing panics, time and memory are linear in its
//     size, and what comes out keeps to the bounds of the contract
//     (drumbeat.ingest.v1).
package composerlock
