package fixed

import (
	"context"
	"time"

	"afterleak/pairs"
)

func EarlyReturn(messages <-chan string, times pairs.LoopTimes) (message string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), times.GiveUp)
	defer cancel()
	ticker := time.NewTicker(times.Poll)
	defer ticker.Stop()
	for {
		select {
		case message := <-messages:
			return message, true
		case <-ticker.C:
		case <-ctx.Done():
			return "", false
		}
	}
}
