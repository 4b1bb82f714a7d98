// Package embedded starts the PostgreSQL and the Redis that Drumbeat uses when
// none is configured: real servers as child processes on loopback with a random
// password, their data in a folder of the user's. Where no Redis is installed, a
// Redis in the process takes its place and says that nothing in it is durable.
//
// A child is stopped with its parent. Where the parent was killed, the next start
// finds what was left behind and stops it first; a lock file held by the living
// parent keeps two of them from using one folder.
package embedded
