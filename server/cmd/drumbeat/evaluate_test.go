package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ownFeeds   = "../../updatestatus/testdata/feeds"
	ownVectors = "../../updatestatus/testdata"
	ownSite    = "../../evaluate/testdata/site.json"
)

func runEvaluate(args ...string) (output string, err error) {
	command := newEvaluateCommand()
	var out strings.Builder
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs(args)
	err = command.Execute()
	return out.String(), err
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

func TestVectorsThatAgreeExitWithNothing(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"vectors.jsonl":      "21 of 21 vectors agree (rules: current)",
		"vectors-10.2.jsonl": "2 of 2 vectors agree (rules: 10.2)",
		"vectors-7x.jsonl":   "5 of 5 vectors agree (rules: 7)",
	} {
		output, err := runEvaluate("--feeds", ownFeeds, "--vectors", filepath.Join(ownVectors, file))
		if err != nil || strings.TrimSpace(output) != want {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}

func TestVectorsUnderOtherRulesDisagree(t *testing.T) {
	t.Parallel()
	output, err := runEvaluate("--feeds", ownFeeds, "--vectors", filepath.Join(ownVectors, "vectors-7x.jsonl"), "--rules", "current", "--output", "json")
	if exitCode(err) != exitDisagreement {
		t.Fatalf("error %v", err)
	}
	var result struct {
		Total, Agree  int
		Disagreements []struct{ ID string }
	}
	if err := json.NewDecoder(strings.NewReader(output)).Decode(&result); err != nil {
		t.Fatal(err)
	}
	if result.Total != 5 || len(result.Disagreements) != result.Total-result.Agree {
		t.Errorf("result %+v", result)
	}
}

func TestFileWithoutVectorsIsNoSuccess(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "vectors.jsonl")
	if err := os.WriteFile(empty, []byte("\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEvaluate("--feeds", ownFeeds, "--vectors", empty); exitCode(err) != exitNoVectors {
		t.Errorf("error %v", err)
	}
}

func TestInventoryAsJSON(t *testing.T) {
	t.Parallel()
	output, err := runEvaluate("--feeds", ownFeeds, "--inventory", ownSite, "--output", "json", "--now", "2025-08-20T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	var assessment struct {
		Security, Updates, UpToDate, Unknown []struct {
			Project string
			Verdict struct{ Status string }
		}
	}
	if err := json.Unmarshal([]byte(output), &assessment); err != nil {
		t.Fatal(err)
	}
	if len(assessment.Security) != 1 || assessment.Security[0].Verdict.Status != "not-secure" ||
		len(assessment.Updates) != 2 || len(assessment.UpToDate) != 0 || len(assessment.Unknown) != 4 {
		t.Errorf("assessment %+v", assessment)
	}
}

func TestWrongUseIsExplained(t *testing.T) {
	t.Parallel()
	cases := []struct {
		want string
		args []string
	}{
		{`required flag(s) "feeds"`, []string{"--inventory", ownSite}},
		{"vectors", []string{"--feeds", ownFeeds}},
		{"vectors", []string{"--feeds", ownFeeds, "--inventory", ownSite, "--vectors", "x"}},
		{"--output", []string{"--feeds", ownFeeds, "--inventory", ownSite, "--output", "xml"}},
		{"--now", []string{"--feeds", ownFeeds, "--inventory", ownSite, "--now", "today"}},
		{"--rules", []string{"--feeds", ownFeeds, "--vectors", filepath.Join(ownVectors, "vectors.jsonl"), "--rules", "8"}},
		{"open vectors", []string{"--feeds", ownFeeds, "--vectors", "nowhere.jsonl"}},
		{"folder", []string{"--feeds", "nowhere", "--vectors", filepath.Join(ownVectors, "vectors.jsonl")}},
		{"feed folder", []string{"--feeds", "nowhere", "--inventory", ownSite}},
		{"unknown command", []string{"llama"}},
	}
	for _, c := range cases {
		_, err := runEvaluate(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.args, err, c.want)
		}
	}
}
