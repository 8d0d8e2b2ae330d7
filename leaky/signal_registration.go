package leaky

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func SignalRegistration(length time.Duration) os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case caught := <-signals:
		return caught
	case <-timer.C:
		return nil
	}
}
