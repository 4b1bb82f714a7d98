package rpc

import "testing"

func TestDatabaseNamesTheProduct(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ driver, version, want string }{
		"MariaDB goes by MySQL's driver":      {"mysql", "10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19"},
		"MariaDB behind a replication prefix": {"mysql", "5.5.5-10.6.12-MariaDB", "MariaDB 10.6.12"},
		"MySQL":                               {"mysql", "8.0.44", "MySQL 8.0.44"},
		"PostgreSQL tells of its packaging":   {"pgsql", "15.18 (Debian 15.18-0+deb12u1)", "PostgreSQL 15.18"},
		"SQLite":                              {"sqlite", "3.46.1", "SQLite 3.46.1"},
		"a contributed driver stays as it is": {"sqlsrv", "16.0 beta", "sqlsrv 16.0 beta"},
		"a version without numbers":           {"mysql", "unknown", "MySQL unknown"},
		"a site that says nothing":            {"", "", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := database(tc.driver, tc.version); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
