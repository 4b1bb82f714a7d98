package orgs

import (
	"testing"

	"drumbeat/server/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
