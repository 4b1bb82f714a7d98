// Package notifications holds what each user wants to be told, and how often.
package notifications
