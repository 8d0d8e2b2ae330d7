package leaky

import (
	"time"

	"afterleak/pairs"
)

func EarlyReturn(messages <-chan string, times pairs.LoopTimes) (message string, ok bool) {
	for {
		select {
		case message := <-messages:
			return message, true
		case <-time.After(times.Poll):
		case <-time.After(times.GiveUp):
			return "", false
		}
	}
}
