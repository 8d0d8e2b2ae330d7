package leaky

import (
	"time"

	"afterleak/pairs"
)

func IdleTimeout(messages <-chan string, quiet time.Duration, work pairs.Work) {
	for {
		select {
		case message, open := <-messages:
			if !open {
				return
			}
			work.Handle(message)
		case <-time.After(quiet):
			work.Poll()
		}
	}
}
