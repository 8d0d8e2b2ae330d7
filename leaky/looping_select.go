package leaky

import (
	"time"

	"afterleak/pairs"
)

func LoopingSelect(messages <-chan string, times pairs.LoopTimes, work pairs.Work) {
	for {
		select {
		case message := <-messages:
			work.Handle(message)
		case <-time.After(times.Poll):
			work.Poll()
		case <-time.After(times.GiveUp):
			return
		}
	}
}
