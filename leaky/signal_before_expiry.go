package leaky

import (
	"os"
	"time"
)

func SignalBeforeExpiry(signals <-chan os.Signal, length time.Duration) os.Signal {
	select {
	case caught := <-signals:
		return caught
	case <-time.After(length):
		return nil
	}
}
