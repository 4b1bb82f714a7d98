package updatestatus

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ErrInvalidVersion is the error of ParseVersion.
var ErrInvalidVersion = errors.New("not a version Drupal understands")

// Version is what Drupal reads out of a version string of a project. There is
// no order of versions: only majors are ever compared.
type Version struct {
	Major    int64  // saturated at the limits of int64
	Extra    string // what follows the first dash of the last part, up to the next
	HasExtra bool   // false for "1.0"; true for "1.0-", whose Extra is ""
}

// Dev tells whether the version is that of a development snapshot.
func (v Version) Dev() bool { return v.Extra == "dev" }

// ParseVersion reads a version string as Drupal 8 and later do: "8.x-1.2",
// "2.0.3", "2.1.0-beta1", "2.x-dev", "2.0.x-dev". The only error is
// ErrInvalidVersion.
func ParseVersion(version string) (Version, error) {
	const corePrefix = "8.x-"
	rest := version
	if strings.HasPrefix(version, corePrefix) && version != "8.x-dev" {
		rest = version[len(corePrefix):]
	} else if at := strings.Index(version, ".x-"); at == 1 || at == 2 {
		// A prefix of another core; only "dev" may follow it, as in 11.x-dev.
		after, _, _ := strings.Cut(version[at+len(".x-"):], ".x-")
		if after != "dev" {
			return Version{}, ErrInvalidVersion
		}
	}

	first, tail, found := strings.Cut(rest, ".")
	if !found {
		return Version{}, ErrInvalidVersion
	}
	if middle, last, three := strings.Cut(tail, "."); three {
		if !isNumeric(middle) || strings.Contains(last, ".") {
			return Version{}, ErrInvalidVersion
		}
		tail = last
	}
	number, extra, hasExtra := strings.Cut(tail, "-")
	extra, _, _ = strings.Cut(extra, "-")
	if !isNumeric(first) || (!isNumeric(number) && extra != "dev") {
		return Version{}, ErrInvalidVersion
	}
	return Version{Major: toInteger(first), Extra: extra, HasExtra: hasExtra}, nil
}

// withoutExtra is the name of the group of releases that a release belongs to:
// "2.1.0-rc1", "2.1.0-beta1" and "2.1.0" are all of the group "2.1.0".
func (v Version) withoutExtra(version string) string {
	// "0" counts as no extra here: it is false in PHP.
	if v.Extra == "" || v.Extra == "0" {
		return version
	}
	return strings.ReplaceAll(version, "-"+v.Extra, "")
}

// isNumeric is PHP's idea of a numeric string: a decimal number with optional
// sign, fraction and exponent, and white space around it.
func isNumeric(s string) bool {
	s = strings.Trim(s, " \t\n\r\v\f")
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole := digits(s)
	s = s[whole:]
	fraction := 0
	if strings.HasPrefix(s, ".") {
		fraction = digits(s[1:])
		s = s[1+fraction:]
	}
	if whole+fraction == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		exponent := s[1:]
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		length := digits(exponent)
		return length > 0 && length == len(exponent)
	}
	return s == ""
}

// digits counts the decimal digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// toInteger converts a numeric string, cutting off a fraction and saturating;
// anything else is 0.
func toInteger(s string) int64 {
	s = strings.Trim(s, " \t\n\r\v\f")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if !isNumeric(s) {
		return 0
	}
	f, _ := strconv.ParseFloat(s, 64)
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// installType tells the kind of installation from the version a site reports.
func installType(version *string) InstallType {
	switch {
	case version == nil:
		return InstallUnknown
	case strings.Contains(*version, "dev"), strings.Contains(*version, "HEAD"):
		return InstallDev
	}
	return InstallOfficial
}
