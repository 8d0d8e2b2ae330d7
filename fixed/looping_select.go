package fixed

import (
	"context"
	"time"

	"afterleak/pairs"
)

func LoopingSelect(messages <-chan string, times pairs.LoopTimes, work pairs.Work) {
	ctx, cancel := context.WithTimeout(context.Background(), times.GiveUp)
	defer cancel()
	ticker := time.NewTicker(times.Poll)
	defer ticker.Stop()
	for {
		select {
		case message := <-messages:
			work.Handle(message)
		case <-ticker.C:
			work.Poll()
		case <-ctx.Done():
			return
		}
	}
}
