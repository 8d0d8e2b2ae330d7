package main

import (
	"context"
	"os/signal"
	"syscall"
)

var notifyContextRules = []rule{
	{"NotifyContext: a signal cancels", "os/signal TestNotifyContextNotifications", func() string {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
		defer stop()
		before := ctx.Err()
		raise(syscall.SIGUSR1)
		done := arrives(ctx.Done())
		return say(before, done, ctx.Err())
	}},
	{"NotifyContext: further signals do nothing until stop", "os/signal TestNotifyContextNotifications", func() string {
		return child(func() string {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			raise(syscall.SIGTERM)
			raise(syscall.SIGTERM)
			return say("survives", ctx.Err())
		})
	}},
	{"NotifyContext: stop cancels", "os/signal TestNotifyContextStop", func() string {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGUSR1)
		stop()
		stop()
		done := closed(ctx.Done())
		return say(done, ctx.Err())
	}},
	{"NotifyContext: stop brings the default action back", "os/signal TestNotifyContextStop", func() string {
		return child(func() string {
			_, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
			stop()
			raise(syscall.SIGHUP)
			return "survives"
		})
	}},
	{"NotifyContext: its parent cancels it", "os/signal TestNotifyContextCancelParent", func() string {
		parent, cancel := context.WithCancel(context.Background())
		ctx, stop := signal.NotifyContext(parent, syscall.SIGUSR1)
		defer stop()
		cancel()
		done := closed(ctx.Done())
		return say(done, ctx.Err())
	}},
	{"NotifyContext: a parent that is cancelled already", "os/signal TestNotifyContextPrematureCancelParent", func() string {
		parent, cancel := context.WithCancel(context.Background())
		cancel()
		ctx, stop := signal.NotifyContext(parent, syscall.SIGUSR1)
		defer stop()
		done := closed(ctx.Done())
		return say(done, ctx.Err())
	}},
	{"NotifyContext: a parent whose deadline comes", "os/signal TestNotifyContextCancelParent", func() string {
		parent, cancel := context.WithTimeout(context.Background(), unit)
		defer cancel()
		ctx, stop := signal.NotifyContext(parent, syscall.SIGUSR1)
		defer stop()
		<-ctx.Done()
		return say(ctx.Err())
	}},
}
