package rpc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	ingestv1 "drumbeat/gen/go/drumbeat/ingest/v1"
	"drumbeat/server/inventory"
)

// invalidReport says what is wrong with a report, with the field named.
type invalidReport struct {
	text       string
	violations *validate.Violations
}

func (e *invalidReport) Error() string { return e.text }

// reportCheck is the contract's own decoder and rules: slow and exact.
type reportCheck struct{ validator protovalidate.Validator }

func newReportCheck() (*reportCheck, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(&ingestv1.SubmitReportRequest{}))
	if err != nil {
		return nil, fmt.Errorf("prepare the rules of reports: %w", err)
	}
	return &reportCheck{validator}, nil
}

// decodeJSON reads and checks a report. Fields that the contract does not have
// are left out, so that newer senders can talk to older servers. On an error
// the message holds what could be read.
func (c *reportCheck) decodeJSON(body []byte) (*ingestv1.SubmitReportRequest, error) {
	msg := &ingestv1.SubmitReportRequest{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, msg); err != nil {
		text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
		return msg, &invalidReport{text: "the report is not what the contract asks: " + strings.TrimPrefix(text, "proto: ")}
	}
	return msg, c.validate(msg)
}

// maxViolations is how many faults one answer names.
const maxViolations = 10

// validate checks the rules of the contract, and that the database can store every text.
func (c *reportCheck) validate(msg *ingestv1.SubmitReportRequest) error {
	if path := findNUL(msg.ProtoReflect(), ""); path != "" {
		return &invalidReport{text: path + ": must not contain U+0000"}
	}
	err := c.validator.Validate(msg)
	if err == nil {
		return nil
	}
	var failed *protovalidate.ValidationError
	if !errors.As(err, &failed) {
		return fmt.Errorf("check the rules of a report: %w", err)
	}
	if len(failed.Violations) > maxViolations {
		failed.Violations = failed.Violations[:maxViolations]
	}
	texts := make([]string, 0, len(failed.Violations))
	for _, v := range failed.Violations {
		text := v.Proto.GetMessage()
		if path := protovalidate.FieldPathString(v.Proto.GetField()); path != "" {
			text = jsonPath(path) + ": " + text
		}
		texts = append(texts, text)
	}
	return &invalidReport{text: strings.Join(texts, "; "), violations: failed.ToProto()}
}

// jsonPath writes a field path as it stands in the JSON: `composerPackages[2].drupalVersion`.
func jsonPath(path string) string {
	var b strings.Builder
	upper := false
	for _, r := range path {
		switch {
		case r == '_':
			upper = true
			continue
		case upper && 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		}
		upper = false
		b.WriteRune(r)
	}
	return b.String()
}

// findNUL gives the path of a text that holds U+0000; empty where none does.
func findNUL(m protoreflect.Message, prefix string) (path string) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := prefix + fd.JSONName()
		switch {
		case fd.IsList() && fd.Message() != nil:
			list := v.List()
			for i := 0; i < list.Len() && path == ""; i++ {
				path = findNUL(list.Get(i).Message(), name+"["+strconv.Itoa(i)+"].")
			}
		case fd.Message() != nil:
			path = findNUL(v.Message(), name+".")
		case fd.Kind() == protoreflect.StringKind:
			if strings.IndexByte(v.String(), 0) >= 0 {
				path = name
			}
		}
		return path == ""
	})
	return path
}

// canonical writes a checked report as the JSON that goes on to the stream, and
// scans it. The same message gives the same bytes.
func (c *reportCheck) canonical(msg *ingestv1.SubmitReportRequest, sum *inventory.Summary) ([]byte, error) {
	text := appendReport(make([]byte, 0, proto.Size(msg)*2), msg)
	if !inventory.Scan(text, sum) {
		return text, errors.New("a checked report does not scan")
	}
	return text, nil
}

// summaryOf gives what a refused message says of itself, as far as it can be read.
func summaryOf(msg *ingestv1.SubmitReportRequest) *inventory.Summary {
	if msg == nil {
		return nil
	}
	var sum inventory.Summary
	if id, ok := inventory.ParseUUID(msg.GetReportId()); ok {
		sum.ReportID = id
	}
	if at := msg.GetCollectedAt(); at.IsValid() {
		sum.CollectedAt = at.AsTime().UnixMicro()
	}
	sum.Trigger, _ = inventory.ParseTrigger(msg.GetTrigger())
	return &sum
}

// jsonObject writes the fields of one object.
type jsonObject struct {
	b     []byte
	first bool
}

func (o *jsonObject) key(name string) {
	if !o.first {
		o.b = append(o.b, ',')
	}
	o.first = false
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *jsonObject) text(name, value string) {
	if value != "" {
		o.always(name, value)
	}
}

func (o *jsonObject) always(name, value string) {
	o.key(name)
	o.b = appendJSONText(o.b, value)
}

func (o *jsonObject) optional(name string, value *string) {
	if value != nil {
		o.always(name, *value)
	}
}

func (o *jsonObject) number(name string, value int64) {
	if value != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, value, 10)
	}
}

func (o *jsonObject) flag(name string, value bool) {
	if value {
		o.key(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *jsonObject) open() { o.b, o.first = append(o.b, '{'), true }

func (o *jsonObject) close() { o.b, o.first = append(o.b, '}'), false }

func appendReport(dst []byte, m *ingestv1.SubmitReportRequest) []byte {
	o := &jsonObject{b: dst}
	o.open()
	o.always("reportId", m.GetReportId())
	o.always("collectedAt", m.GetCollectedAt().AsTime().Format(time.RFC3339Nano))
	o.always("trigger", m.GetTrigger())
	o.key("agent")
	o.open()
	o.text("name", m.GetAgent().GetName())
	o.text("version", m.GetAgent().GetVersion())
	o.close()
	o.key("site")
	o.open()
	o.text("url", m.GetSite().GetUrl())
	o.text("name", m.GetSite().GetName())
	o.text("environment", m.GetSite().GetEnvironment())
	o.text("id", m.GetSite().GetId())
	o.close()
	if p := m.GetPlatform(); p != nil {
		o.key("platform")
		o.open()
		o.text("drupalVersion", p.GetDrupalVersion())
		o.text("phpVersion", p.GetPhpVersion())
		o.text("phpSapi", p.GetPhpSapi())
		o.text("dbDriver", p.GetDbDriver())
		o.text("dbVersion", p.GetDbVersion())
		o.text("profile", p.GetProfile())
		o.close()
	}
	if len(m.GetExtensions()) > 0 {
		o.key("extensions")
		o.b = append(o.b, '[')
		for i, e := range m.GetExtensions() {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.open()
			o.text("name", e.GetName())
			o.text("type", e.GetType())
			o.flag("enabled", e.GetEnabled())
			o.optional("project", e.Project)
			o.optional("version", e.Version)
			o.number("datestamp", e.GetDatestamp())
			o.text("title", e.GetTitle())
			o.text("pathKind", e.GetPathKind())
			o.flag("hidden", e.GetHidden())
			o.text("lifecycle", e.GetLifecycle())
			o.text("package", e.GetPackage())
			o.text("statusUrl", e.GetStatusUrl())
			o.close()
		}
		o.b = append(o.b, ']')
	}
	if len(m.GetComposerPackages()) > 0 {
		o.key("composerPackages")
		o.b = append(o.b, '[')
		for i, p := range m.GetComposerPackages() {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.open()
			o.text("name", p.GetName())
			o.text("version", p.GetVersion())
			o.text("reference", p.GetReference())
			o.text("drupalVersion", p.GetDrupalVersion())
			o.number("datestamp", p.GetDatestamp())
			o.text("securityCoverage", p.GetSecurityCoverage())
			o.close()
		}
		o.b = append(o.b, ']')
	}
	o.text("inventoryHash", m.GetInventoryHash())
	o.close()
	return o.b
}

// appendJSONText appends a JSON string; text is valid UTF-8.
func appendJSONText(dst []byte, text string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendUUID(dst []byte, id inventory.UUID) []byte {
	const hexDigits = "0123456789abcdef"
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
