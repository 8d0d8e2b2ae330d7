package fixed

import (
	"os"
	"time"
)

func SignalBeforeExpiry(signals <-chan os.Signal, length time.Duration) os.Signal {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case caught := <-signals:
		return caught
	case <-timer.C:
		return nil
	}
}
