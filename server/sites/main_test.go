package sites_test

import (
	"testing"

	"drumbeat/server/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
