package evaluate

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"

	"drumbeat/server/updatestatus"
)

// Difference is one field of a vector where the calculation says something
// else. Values are JSON; "(not given)" where a side does not have the field.
type Difference struct {
	Field string `json:"field"`
	Want  string `json:"want"`
	Got   string `json:"got"`
}

// Disagreement is a vector that does not come out as Drupal has it.
type Disagreement struct {
	ID          string       `json:"id"`
	Family      string       `json:"family"`
	Differences []Difference `json:"differences,omitempty"`
	Error       string       `json:"error,omitempty"` // the vector could not be run
}

// Result is the outcome of a file of vectors.
type Result struct {
	Rules         updatestatus.RuleSet `json:"rules"`
	Total         int                  `json:"total"`
	Agree         int                  `json:"agree"`
	Disagreements []Disagreement       `json:"disagreements"`
}

// RunVectors evaluates every vector under the given rules and compares every
// field of what it expects. Feed paths are relative to dir.
func RunVectors(vectors []Vector, dir string, rules updatestatus.RuleSet) Result {
	result := Result{Rules: rules, Total: len(vectors), Disagreements: []Disagreement{}}
	feeds := newFeedCache(dir)
	for i := range vectors {
		vector := &vectors[i]
		found := Disagreement{ID: vector.ID, Family: vector.Family}
		in, err := vector.input(feeds, rules)
		if err == nil {
			found.Differences, err = compare(vector.Expect, updatestatus.Evaluate(in))
		}
		if err != nil {
			found.Error = err.Error()
		}
		if err != nil || len(found.Differences) > 0 {
			result.Disagreements = append(result.Disagreements, found)
			continue
		}
		result.Agree++
	}
	return result
}

const notGiven = "(not given)"

// compare lists the fields that differ, in the order of their names.
func compare(expect map[string]json.RawMessage, verdict updatestatus.Verdict) ([]Difference, error) {
	if len(expect) == 0 {
		return nil, fmt.Errorf("nothing is expected")
	}
	encoded, err := json.Marshal(expectation(verdict))
	if err != nil {
		return nil, fmt.Errorf("encode verdict: %w", err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &got); err != nil {
		return nil, fmt.Errorf("decode verdict: %w", err)
	}
	var differences []Difference
	for field, want := range expect {
		have, ok := got[field]
		if !ok {
			differences = append(differences, Difference{field, string(want), notGiven})
			continue
		}
		var wantValue, haveValue any
		if err := json.Unmarshal(want, &wantValue); err != nil {
			return nil, fmt.Errorf("field %s: %w", field, err)
		}
		if err := json.Unmarshal(have, &haveValue); err != nil {
			return nil, fmt.Errorf("field %s: %w", field, err)
		}
		if !reflect.DeepEqual(wantValue, haveValue) {
			differences = append(differences, Difference{field, string(want), string(have)})
		}
	}
	slices.SortFunc(differences, func(a, b Difference) int {
		if a.Field < b.Field {
			return -1
		}
		return 1
	})
	return differences, nil
}

// expected is a verdict in the shape vectors are written in.
type expected struct {
	Status            updatestatus.Status      `json:"status"`
	Reason            *updatestatus.Reason     `json:"reason"`
	Recommended       *string                  `json:"recommended"`
	Latest            *string                  `json:"latest"`
	Also              map[string]string        `json:"also"`
	SecurityUpdates   []string                 `json:"security_updates"`
	DevVersion        *string                  `json:"dev_version"`
	InstallType       updatestatus.InstallType `json:"install_type"`
	Notices           []updatestatus.Notice    `json:"notices"`
	Report            [][2]string              `json:"report"`
	Coverage          any                      `json:"coverage"`
	CoreCompatibility map[string]any           `json:"core_compatibility"`
}

func expectation(v updatestatus.Verdict) expected {
	e := expected{
		Status:            v.Status,
		Reason:            optional(v.Reason),
		Recommended:       optional(v.Recommended),
		Latest:            optional(v.Latest),
		Also:              map[string]string{},
		SecurityUpdates:   append([]string{}, v.SecurityUpdates...),
		DevVersion:        optional(v.DevVersion),
		InstallType:       v.InstallType,
		Notices:           append([]updatestatus.Notice{}, v.Notices...),
		Report:            [][2]string{},
		CoreCompatibility: map[string]any{},
	}
	for _, other := range v.Also {
		e.Also[strconv.FormatInt(other.Major, 10)] = other.Version
	}
	for _, line := range v.ReportLines {
		e.Report = append(e.Report, [2]string{string(line.Kind), line.Version})
	}
	for version, compatibility := range v.CoreCompatibility {
		e.CoreCompatibility[version] = compatibility
	}
	if v.Coverage != nil {
		e.Coverage = expectedCoverage(v.Coverage)
	}
	return e
}

func expectedCoverage(c *updatestatus.Coverage) map[string]any {
	fields := map[string]any{"state": c.State}
	if c.EndDate != "" {
		fields["end_date"], fields["warn_date"] = c.EndDate, optional(c.WarnDate)
		return fields
	}
	fields["end_version"], fields["additional_minors"] = c.EndVersion, c.AdditionalMinors
	if c.UpdateTo != "" {
		fields["update_to"] = c.UpdateTo
	}
	return fields
}

// optional turns an empty string into null.
func optional[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

// WriteText prints the result for a person: a line for every field that
// differs, then how many agree.
func (r Result) WriteText(w io.Writer) error {
	for _, d := range r.Disagreements {
		if _, err := fmt.Fprintf(w, "%s (%s)\n", d.ID, d.Family); err != nil {
			return err
		}
		if d.Error != "" {
			if _, err := fmt.Fprintf(w, "    could not be run: %s\n", d.Error); err != nil {
				return err
			}
		}
		for _, difference := range d.Differences {
			if _, err := fmt.Fprintf(w, "    %-18s want %s\n    %-18s got  %s\n",
				difference.Field, difference.Want, "", difference.Got); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d vectors agree (rules: %s)\n", r.Agree, r.Total, r.Rules)
	return err
}
