package main

import (
	"fmt"
	"io"
	"strings"

	"drumbeat/server/demo"
)

// banner is what a person sees after the start.
type banner struct {
	address      string
	setupToken   string // empty when there are users
	dataDir      string // empty without built-in servers
	database     string
	redis        string
	redisDurable bool
	feeds        string
	roles        []string
	hasAPI       bool
	demo         bool
}

func (b banner) print(out io.Writer) {
	line := func(label, text string) { fmt.Fprintf(out, "  %-10s %s\n", label, text) }
	fmt.Fprintf(out, "\nDrumbeat %s\n\n", version)
	if b.hasAPI {
		line("Open", b.address)
		if b.demo {
			line("Sign in", demo.Email+" with the password "+demo.Password)
			line("", "(sample sites; their months of reports arrive within seconds)")
		}
		if b.setupToken != "" {
			line("Set up", b.address+"/setup#token="+b.setupToken)
			line("", "(make the first administrator with this link; it works once)")
		}
	} else {
		line("Health", b.address+"/readyz")
		line("Roles", strings.Join(b.roles, ", "))
	}
	if b.dataDir != "" {
		line("Data", b.dataDir)
	}
	line("Database", b.database)
	if b.redisDurable {
		line("Redis", b.redis+", durable")
	} else {
		line("Redis", b.redis+", not durable: reports are stored in PostgreSQL before they are confirmed")
	}
	line("Feeds", b.feeds)
	fmt.Fprint(out, "\nStop with Ctrl-C.\n\n")
}
