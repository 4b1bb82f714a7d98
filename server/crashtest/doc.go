// Package crashtest holds the test of the promise that ingest makes: a report
// answered with 200 is stored, and changes the database exactly once, whatever
// is killed when.
//
// The test is the parent of four real processes (Redis, PostgreSQL, and the
// server in the roles api and worker), kills them at random with SIGKILL while
// senders post reports as fast as they are let, and compares in the end what was
// acknowledged with what stands in the database. It has nothing but tests:
//
//	go test ./server/crashtest                      12 kills
//	go test -short ./server/crashtest               4 kills, one of each process
//	DRUMBEAT_KILLS=200 go test -v ./server/crashtest
//	DRUMBEAT_SEED=7 go test -v ./server/crashtest   the order of an earlier run
package crashtest
