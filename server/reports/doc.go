// Package reports answers from history: what was updated on a site, and when.
package reports
