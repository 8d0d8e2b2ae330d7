package fixed

import (
	"time"

	"afterleak/pairs"
)

func IdleTimeout(messages <-chan string, quiet time.Duration, work pairs.Work) {
	idle := time.NewTimer(quiet)
	defer idle.Stop()
	for {
		select {
		case message, open := <-messages:
			if !open {
				return
			}
			work.Handle(message)
			if !idle.Stop() {
				select { // it fired meanwhile: drain it
				case <-idle.C:
				default:
				}
			}
		case <-idle.C:
			work.Poll()
		}
		idle.Reset(quiet)
	}
}
