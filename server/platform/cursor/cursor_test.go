package cursor_test

import (
	"testing"

	"drumbeat/server/platform/cursor"
	"drumbeat/server/platform/fault"
)

type key struct {
	Name string
	ID   int64
}

func TestATokenBringsItsKeyBack(t *testing.T) {
	t.Parallel()
	b := cursor.Bind("sites", "name", 7)
	want := key{Name: `a "quoted" name`, ID: 1 << 60}
	token, err := cursor.Encode(b, want)
	if err != nil {
		t.Fatal(err)
	}
	var got key
	if err := cursor.Decode(b, token, &got); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestATokenIsRefused(t *testing.T) {
	t.Parallel()
	b := cursor.Bind("sites", "name")
	token, err := cursor.Encode(b, key{Name: "x", ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	long, err := cursor.Encode(b, map[string]any{"Name": "x", "Other": 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		binding cursor.Binding
		token   string
	}{
		"when it comes from another order":        {cursor.Bind("sites", "url"), token},
		"when parts run together":                 {cursor.Bind("sitesname"), token},
		"when it is no base64":                    {b, "!!!"},
		"when it is too short":                    {b, "AAAA"},
		"when its key was cut":                    {b, token[:len(token)-4]},
		"when its key has fields of another list": {b, long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got key
			if err := cursor.Decode(c.binding, c.token, &got); !fault.Is(err, fault.Invalid) {
				t.Fatalf("got %v", err)
			}
		})
	}
}
