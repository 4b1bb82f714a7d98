// Package orgs is about people and organisations: who is signed in, what
// somebody may do where, and how the first administrator comes about.
//
// It promises: passwords are kept as argon2id only, tokens as SHA-256 only;
// neither is ever in an error or a log. A foreign organisation or site and one
// that does not exist are answered alike. What is taken from somebody (a role,
// an account, a session) is gone with the next call, because nothing is cached.
package orgs
