// Package testkit gives tests a real PostgreSQL and a real Redis, each test its own.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// and its tests call Postgres, PostgresURL, PostgresServer, Redis, RedisURL, RedisServer
// or Logger. The shared servers start on first use and belong to the package's test
// process, unless the command testservices has started them for all packages. Where no
// real server is installed the tests fail and say what to install: a durable server
// cannot be tested against an imitation, and a skipped test is a test nobody ran.
package testkit
