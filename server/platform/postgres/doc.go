// Package postgres connects to PostgreSQL and migrates it. It knows no table:
// queries belong to the features. Errors say what to do next and never contain
// a password.
package postgres
