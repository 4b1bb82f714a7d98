// Package ingest takes reports from sites and applies them.
//
// The way of a report: Acceptor checks the key, the rate and the body and puts
// an Entry into Buffer, which is a Redis Stream, or the report_spool table
// where Redis cannot take it. Applier reads both and applies whole batches in
// one transaction each.
//
// Promises:
//
//   - Accept returns without an error only when the entry is stored durably.
//   - A stored entry has its effect exactly once, whatever is killed when:
//     reports are told apart by (site, report id), and entries leave the stream
//     only after the commit.
//   - Current state follows the newest report, by the site's clock but never
//     ahead of the server's. Late, repeated and odd reports leave an audit row
//     and nothing else.
//   - An entry that cannot be applied never holds up others: after five
//     deliveries it stands in dead_letters with its reason.
//   - Nothing here knows HTTP or protobuf.
package ingest
