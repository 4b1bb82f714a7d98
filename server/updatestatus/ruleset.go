package updatestatus

import "strings"

// RuleSet names one generation of Drupal's update calculation.
type RuleSet string

// The rule sets. Which one applies depends on the version of the site's core,
// see RuleSetForCore.
const (
	// RulesCurrent is the calculation of Drupal 10.3 and later.
	RulesCurrent RuleSet = "current"
	// Rules10_2 is the calculation of Drupal 10.0 to 10.2.
	Rules10_2 RuleSet = "10.2"
	// Rules7 is the calculation of Drupal 7.
	Rules7 RuleSet = "7"
)

// RuleSetForCore gives the rules that a site with this version of Drupal core
// applies itself. Cores before 10.0 other than Drupal 7 had rules of their own;
// they are long out of support and are judged by the current ones, as is
// anything that is no version.
func RuleSetForCore(coreVersion string) RuleSet {
	major, rest, _ := strings.Cut(coreVersion, ".")
	switch major {
	case "7":
		return Rules7
	case "10":
		minor := rest
		if end := strings.IndexAny(rest, ".-"); end >= 0 {
			minor = rest[:end]
		}
		if minor == "0" || minor == "1" || minor == "2" {
			return Rules10_2
		}
	}
	return RulesCurrent
}

// Series is the last part of the feed's address at drupal.org for sites under
// these rules: "7.x" or "current".
func (r RuleSet) Series() string {
	if r == Rules7 {
		return "7.x"
	}
	return "current"
}

// Valid tells whether r is one of the rule sets of this package.
func (r RuleSet) Valid() bool {
	return r == RulesCurrent || r == Rules10_2 || r == Rules7
}
