package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var keptRules = []rule{
	{"a stopped timer", "time TestTimerGC", func() string {
		return kept(func() { time.NewTimer(time.Hour).Stop() })
	}},
	{"a deadline that was cancelled", "context TestCancelRemoves", func() string {
		return kept(func() {
			_, cancel := context.WithTimeout(context.Background(), time.Hour)
			cancel()
		})
	}},
	{"a signal registration that was stopped", "os/signal TestStop", func() string {
		return kept(func() {
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGUSR2)
			signal.Stop(c)
		})
	}},
	{"After that nobody can hear", "time TestTimerGC", func() string {
		return kept(func() { time.After(time.Hour) })
	}},
	{"a timer that nobody can hear or stop", "time TestTimerGC", func() string {
		return kept(func() { time.NewTimer(time.Hour) })
	}},
	{"a ticker that nobody can hear or stop", "time TestTimerGC", func() string {
		return kept(func() { time.NewTicker(time.Hour) })
	}},
	{"a callback that nobody can stop", "time TestTimerGC", func() string {
		return kept(func() { time.AfterFunc(time.Hour, func() {}) })
	}},
	{"a deadline that nobody can cancel", "context TestDeadline", func() string {
		return kept(func() {
			ctx, _ := context.WithTimeout(context.Background(), time.Hour)
			_ = ctx
		})
	}},
	{"a signal registration that nobody can stop", "os/signal TestStop", func() string {
		defer signal.Reset(syscall.SIGUSR2)
		return kept(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2) })
	}},
	{"a child that nobody can cancel, below a parent that lives", "context TestCancelRemoves", func() string {
		parent, cancel := context.WithCancel(context.Background())
		defer cancel()
		return kept(func() {
			ctx, _ := context.WithCancel(parent)
			_ = ctx
		})
	}},
	{"a child that was cancelled, below a parent that lives", "context TestCancelRemoves", func() string {
		parent, cancel := context.WithCancel(context.Background())
		defer cancel()
		return kept(func() {
			_, cancelChild := context.WithCancel(parent)
			cancelChild()
		})
	}},
	{"a parent and its child that nobody can cancel", "context TestCancelRemoves", func() string {
		return kept(func() {
			parent, _ := context.WithCancel(context.Background())
			child, _ := context.WithCancel(parent)
			_ = child
		})
	}},
}
