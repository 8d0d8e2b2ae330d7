// Package pairs holds what both sides of a pattern share; the twin of harness/pairs/looping_select.h.
package pairs

import "time"

// LoopTimes says how often to look around, and when to give up. The articles have 3 and 30 seconds.
type LoopTimes struct {
	Poll   time.Duration
	GiveUp time.Duration
}

// Work is what the loop does.
type Work struct {
	Handle func(message string) // a message has come
	Poll   func()               // nothing has come for a while
}
