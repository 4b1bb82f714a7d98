// Package rpc serves the contracts of proto/ over Connect, gRPC and gRPC-Web:
// it checks who calls, whether the request keeps the contract's rules and
// whether the caller may, then calls a feature and translates back. No rule of
// the product is here.
//
// The way of a request: cross-origin protection → session (before the body is
// read) → log and recovery → size → decoding → field rules → policy → handler.
//
// It promises: a method without a policy is never served; a handler of an
// organisation's data gets its ids from an orgs.Actor that the policy
// resolved; an error that a feature did not mean for the caller shows an id
// and nothing else.
package rpc
