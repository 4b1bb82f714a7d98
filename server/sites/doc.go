// Package sites is about the sites of an organisation: the list, one site and
// what is on it, the keys it reports with, and telling open pages of changes.
//
// It promises: whatever it reads or writes is of the actor's organisation; a
// key's secret is given out once and only its hash is stored; a key that was
// revoked, or whose site was deleted, is refused by every process within a
// second; the first pages of the list cost the same for ten sites and for a
// hundred thousand.
package sites
