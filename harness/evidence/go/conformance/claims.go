package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// What the articles claim, where no other rule answers it.
var claimRules = []rule{
	{"claim 1: timers that a select with two time-outs makes", "article A", func() string {
		never := make(chan string)
		return timersLeft(100, func() {
			go func() {
				select {
				case <-never:
				case <-time.After(time.Hour):
				case <-time.After(2 * time.Hour):
				}
			}()
		}, func() {
			go func() {
				select {
				case <-never:
				case <-never:
				case <-never:
				}
			}()
		})
	}},
	{"claim 2: the idle loop, after twelve polls", "article A", func() string {
		gaveUp, _, _, first := turnUntilPolled(12, 8)
		return say(choose(gaveUp, "gave up;", "goes on;"), choose(ready(first), "its first long time-out fired unheard", "its first long time-out did not fire"))
	}},
	{"claim 3: the time-outs of the idle loop, after twelve polls", "article A", func() string {
		_, made, polls, first := turnUntilPolled(12, 8)
		return say(made, "made;", polls, "heard;", choose(ready(first), "a long one fired unheard", "no long one fired"))
	}},
	{"claim 4: timers that a message leaves", "article A", func() string {
		messages := make(chan string, 1)
		return timersLeft(500, func() {
			messages <- "hello"
			select {
			case <-messages:
			case <-time.After(time.Hour):
			case <-time.After(2 * time.Hour):
			}
		}, func() {
			messages <- "hello"
			<-messages
		})
	}},
	{"claim 6: while messages come, a loop with a deadline of seven and a ticker of two", "article A", func() string {
		messages := make(chan string)
		done := make(chan bool)
		go func() {
			for {
				select {
				case messages <- "hello":
					pass(0.25)
				case <-done:
					return
				}
			}
		}()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 7*unit)
		defer cancel()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		polls, ended := 0, false
		for !ended {
			select {
			case <-messages:
			case <-ticker.C:
				polls++
			case <-ctx.Done():
				ended = true
			}
		}
		span := units(time.Since(begin))
		close(done)
		return say("ends after", span, "with", polls, "polls")
	}},
	{"claim 18: how often a select that waits looks at its channels", "article B", func() string {
		never, looks := make(chan string), 0
		looked := func() <-chan string {
			looks++
			return never
		}
		select {
		case <-looked():
		case <-time.After(4 * unit):
		}
		return say(looks)
	}},
}

func choose(yes bool, then, otherwise string) string {
	if yes {
		return then
	}
	return otherwise
}

// The loop of the article without messages, until it has polled `most` times or given up. Both are in units, and
// a poll takes one.
func turnUntilPolled(most int, giveUp time.Duration) (gaveUp bool, made, polls int, firstLong <-chan time.Time) {
	after := func(span time.Duration) <-chan time.Time {
		made++
		return time.After(span)
	}
	for polls < most && !gaveUp {
		short, long := after(unit), after(giveUp*unit)
		if firstLong == nil {
			firstLong = long
		}
		select {
		case <-short:
			polls++
		case <-long:
			gaveUp = true
		}
	}
	return
}

// How many timers each of some calls of body leaves, by the objects on the heap: those beyond what as many calls of
// without leave, divided by those of one timer.
func timersLeft(calls int, body, without func()) string {
	// Stopped timers leave Go's queues when a processor next looks at its own: one has to do.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	grown := func(do func()) float64 {
		before := objects()
		for i := 0; i < calls; i++ {
			do()
		}
		return float64(objects()) - float64(before)
	}
	held := make([]<-chan time.Time, 0, calls)
	ofOne := grown(func() { held = append(held, time.After(time.Hour)) })
	left := grown(body) - grown(without)
	runtime.KeepAlive(held)
	return fmt.Sprintf("%.0f", left/ofOne+0.001)
}
