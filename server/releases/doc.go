// Package releases knows drupal.org's projects: it fetches their release
// histories, judges every installed version once by the rules of package
// updatestatus, and spreads changed verdicts to the counters of the sites.
//
// # How counters stay true
//
// A report and a feed change at the same moments on the same sites, and a
// counter must reflect both in the end. Three rules see to that:
//
//   - A transaction that writes what is on a site takes the counting lock
//     shared (Catalog.LockShared) before it writes, and recounts the site
//     before it commits.
//   - New verdicts are written under the counting lock taken exclusively, in a
//     short transaction that also notes the changed versions (a spread). So it
//     sees, or is seen by, every report: what was committed before it is found
//     by the spread, and what comes after counts by the new verdicts.
//   - The spread then recounts the sites that run one of those versions, some
//     hundred at a time, each count from scratch and under the lock of the
//     site's state. Its progress is stored with each chunk, so any process can
//     take it up where another was stopped.
//
// Readers take no lock. New verdicts show on a site's page at once, and in the
// counters when the spread has passed.
package releases
