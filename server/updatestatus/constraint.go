package updatestatus

import (
	"errors"
	"strings"
)

var errConstraint = errors.New("not a constraint Composer understands")

// constraint is a version constraint in Composer's grammar: a version must
// satisfy every condition of one of the alternatives.
type constraint struct {
	alternatives [][]condition
}

type operator string

// condition compares a version with one of its own; an empty operator is
// always true.
type condition struct {
	operator operator
	version  composerVersion
}

// parseConstraint reads a constraint such as "^10.3 || ^11", ">=10.1,<10.4",
// "~9.5 | ~10.4", "10.2 - 11.1" or "8.x".
func parseConstraint(text string) (constraint, error) {
	// A constraint is one short line; a feed may try otherwise.
	const longest = 2000
	if len(text) > longest {
		return constraint{}, errConstraint
	}
	var result constraint
	for _, alternative := range strings.Split(strings.ReplaceAll(text, "||", "|"), "|") {
		conditions, err := parseConjunction(strings.TrimSpace(alternative))
		if err != nil {
			return constraint{}, err
		}
		result.alternatives = append(result.alternatives, conditions)
	}
	return result, nil
}

// parseConjunction reads conditions separated by commas or spaces.
func parseConjunction(text string) ([]condition, error) {
	if text == "" {
		return nil, errConstraint
	}
	if from, to, isRange := hyphenRange(text); isRange {
		return parseHyphenRange(from, to)
	}
	var conditions []condition
	for _, piece := range strings.Split(text, ",") {
		fields := strings.Fields(piece)
		if len(fields) == 0 {
			return nil, errConstraint
		}
		for i := 0; i < len(fields); i++ {
			atom := fields[i]
			// An operator may stand apart from its version.
			if strings.Trim(atom, "<>=!") == "" && i+1 < len(fields) {
				i++
				atom += fields[i]
			}
			parsed, err := parseCondition(atom)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, parsed...)
		}
	}
	return conditions, nil
}

func hyphenRange(text string) (from, to string, ok bool) {
	from, to, ok = strings.Cut(text, " - ")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	return from, to, ok && from != "" && to != "" && !strings.ContainsAny(from+to, " ,")
}

// parseCondition reads one atom of a constraint.
func parseCondition(atom string) ([]condition, error) {
	flag := ""
	if at := strings.IndexByte(atom, '@'); at >= 0 && isStabilityFlag(atom[at+1:]) {
		atom, flag = atom[:at], strings.ToLower(atom[at+1:])
		if atom == "" {
			atom = "*"
		}
	}
	switch {
	case isWildcard(atom):
		return []condition{{}}, nil
	case strings.HasPrefix(atom, "~>"):
		return nil, errConstraint
	case strings.HasPrefix(atom, "~"):
		return parseTilde(atom[1:])
	case strings.HasPrefix(atom, "^"):
		return parseCaret(atom[1:])
	}
	if conditions, ok := parseWildcardRange(atom); ok {
		return conditions, nil
	}
	return parseComparison(atom, flag)
}

// isWildcard tells whether an atom stands for every version: "*", "x.*".
func isWildcard(atom string) bool {
	for _, part := range strings.Split(strings.TrimPrefix(atom, "v"), ".") {
		if part != "*" && part != "x" && part != "X" {
			return false
		}
	}
	return true
}

// parseTilde reads ~1.2 (below 2) and ~1.2.3 (below 1.3).
func parseTilde(text string) ([]condition, error) {
	low, parts, err := parseBound(text)
	if err != nil {
		return nil, err
	}
	return between(low, max(1, parts-1)), nil
}

// parseCaret reads ^1.2 (below 2), ^0.3 (below 0.4) and ^0.0.3 (below 0.0.4).
func parseCaret(text string) ([]condition, error) {
	low, parts, err := parseBound(text)
	if err != nil {
		return nil, err
	}
	position := 3
	switch {
	case low.numbers[0] != 0 || parts < 2:
		position = 1
	case low.numbers[1] != 0 || parts < 3:
		position = 2
	}
	return between(low, position), nil
}

// parseBound reads the version of a tilde or caret and tells how many numbers
// it gives.
func parseBound(text string) (v composerVersion, parts int, err error) {
	v, err = parseComposerVersion(text)
	if err != nil || v.branch != "" {
		return v, 0, errConstraint
	}
	_, parts, _, _ = leadingNumbers(strings.ToLower(text))
	return v, parts, nil
}

// between is every version from low, its pre-releases included, to below the
// next one in the number at position (counted from 1).
func between(low composerVersion, position int) []condition {
	high := bump(low, position)
	return []condition{{">=", low.orBefore()}, {"<", high}}
}

// orBefore is the version itself if it has a stability, else the lowest
// pre-release of it.
func (v composerVersion) orBefore() composerVersion {
	if v.stability == stable && v.suffixes == 0 {
		v.dev = true
	}
	return v
}

// bump is the lowest pre-release of the version with the number at position
// (counted from 1) raised and those after it zero.
func bump(v composerVersion, position int) composerVersion {
	next := composerVersion{dev: true}
	copy(next.numbers[:position], v.numbers[:position])
	next.numbers[position-1]++
	return next
}

// parseWildcardRange reads 10.3.*, 10.x and 8.x.
func parseWildcardRange(atom string) ([]condition, bool) {
	v, parts, rest, ok := leadingNumbers(strings.ToLower(atom))
	if !ok || parts > 3 || rest == "" || strings.NewReplacer(".x", "", ".*", "").Replace(rest) != "" {
		return nil, false
	}
	return between(v, parts), true
}

// parseHyphenRange reads 10.2 - 11.1, which includes all of 11.1.
func parseHyphenRange(from, to string) ([]condition, error) {
	low, _, err := parseBound(from)
	if err != nil {
		return nil, err
	}
	high, parts, err := parseBound(to)
	if err != nil {
		return nil, err
	}
	upper := condition{"<=", high}
	if parts < 3 && high.stability == stable && !high.dev {
		upper = condition{"<", bump(high, parts)}
	}
	return []condition{{">=", low.orBefore()}, upper}, nil
}

// parseComparison reads >=10.2, !=10.3.1, v10.1.8 and the like.
func parseComparison(atom, flag string) ([]condition, error) {
	rest := strings.TrimLeft(atom, "<>=!")
	op := operator(atom[:len(atom)-len(rest)])
	switch op {
	case "", "=", "==":
		op = "="
	case "!=", "<>":
		op = "!="
	case "<", "<=", ">", ">=":
	default:
		return nil, errConstraint
	}
	v, err := parseComposerVersion(rest)
	if err != nil {
		return nil, errConstraint
	}
	plain := v.branch == "" && v.stability == stable && !v.dev
	switch {
	case plain && flag != "" && flag != "stable" && op != "=" && op != "!=":
		v = v.withFlag(flag)
	case plain && (op == "<" || op == ">="):
		v.dev = true
	}
	return []condition{{op, v}}, nil
}

// withFlag gives a stable version the stability of a flag like @beta.
func (v composerVersion) withFlag(flag string) composerVersion {
	switch flag {
	case "rc":
		v.stability = candidate
	case "beta":
		v.stability = beta
	case "alpha":
		v.stability = alpha
	case "dev":
		v.dev = true
	}
	return v
}

// satisfiedBy tells whether a version satisfies the constraint.
func (c constraint) satisfiedBy(v *composerVersion) bool {
	for _, conditions := range c.alternatives {
		all := true
		for i := range conditions {
			all = all && conditions[i].satisfiedBy(v)
		}
		if all {
			return true
		}
	}
	return false
}

func (c *condition) satisfiedBy(v *composerVersion) bool {
	if c.operator == "" {
		return true
	}
	if v.branch != "" || c.version.branch != "" {
		// Named branches have no order.
		switch c.operator {
		case "=":
			return v.branch == c.version.branch
		case "!=":
			return v.branch != c.version.branch
		}
		return false
	}
	order := v.compare(&c.version)
	switch c.operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return false
}
