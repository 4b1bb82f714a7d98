// Package xmlscan reads well-formed XML 1.0 held in memory, event by event.
//
// It exists because release-history feeds are hostile input that must be
// judged as Drupal's own parser (libxml2) judges them: what is not well-formed
// there must be refused here, and what is merely unusual (byte-order marks,
// declared encodings, internal entities) must be read. The standard decoder is
// both more lenient and, at the size of Drupal core's feed, several times
// slower.
//
// Promises: it never panics, never opens anything (external entities are
// refused, not fetched), and its memory is bounded by the size of the document
// and by the limits given. It does not validate against a DTD, does not
// resolve namespaces, and refuses entities whose replacement holds markup.
package xmlscan
