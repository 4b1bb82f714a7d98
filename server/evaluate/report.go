package evaluate

import (
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/server/inventory"
)

// readReport turns a report as sites submit it into an inventory, grouping its
// extensions into projects as the server does.
func readReport(data []byte) (Inventory, error) {
	report, err := parseReport(data)
	if err != nil {
		return Inventory{}, err
	}
	if report.Heartbeat() {
		return Inventory{}, errors.New("the report is a heartbeat: it lists nothing")
	}
	grouped := inventory.Group(report)
	result := Inventory{Core: grouped.CoreVersion}
	for _, project := range grouped.Projects {
		result.Projects = append(result.Projects, Project{
			Name:      project.Name,
			Type:      project.Type,
			Version:   project.Version,
			Datestamp: project.Datestamp,
		})
	}
	return result, nil
}

// parseReport reads what the contract accepts. The fast reader says no more
// than that a body is unusual, so such a one is put into its ordinary form by
// the contract's own decoder, which also says what is wrong with it.
func parseReport(data []byte) (*inventory.Report, error) {
	report, err := inventory.Parse(data)
	if err == nil {
		return report, nil
	}
	var message ingestv1.SubmitReportRequest
	if err := protojson.Unmarshal(data, &message); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	if err := protovalidate.Validate(&message); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	ordinary, err := protojson.Marshal(&message)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	if report, err = inventory.Parse(ordinary); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return report, nil
}
