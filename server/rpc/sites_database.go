package rpc

import (
	"regexp"
	"strings"
)

var (
	databaseNames   = map[string]string{"mysql": "MySQL", "pgsql": "PostgreSQL", "sqlite": "SQLite"}
	leadingNumbers  = regexp.MustCompile(`^\d+(\.\d+)*`)
	mariaDBMarks    = regexp.MustCompile(`(?i)mariadb`)
	replicationMark = "5.5.5-" // MariaDB says it for the sake of old MySQL clients
)

// database names the product and its version from what a site says: Drupal calls
// MariaDB mysql, and servers append their build to the numbers.
func database(driver, version string) string {
	name, known := databaseNames[driver]
	if !known {
		return strings.TrimSpace(driver + " " + version)
	}
	if driver == "mysql" && mariaDBMarks.MatchString(version) {
		name, version = "MariaDB", strings.TrimPrefix(version, replicationMark)
	}
	if numbers := leadingNumbers.FindString(version); numbers != "" {
		version = numbers
	}
	return strings.TrimSpace(name + " " + version)
}
