// Package inventory reads a site's report and groups what is on the site into
// drupal.org projects as Drupal's own update report does.
//
// Promises:
//
//   - It is pure: bytes in, values out.
//   - Scan accepts only what the contract (drumbeat.ingest.v1) accepts, with
//     the same meaning. What it does not fully understand it leaves to the
//     ordinary JSON decoder; it never refuses on its own authority.
//   - Reports are hostile input: nothing panics, and time and memory are
//     linear in the size of the body.
package inventory
