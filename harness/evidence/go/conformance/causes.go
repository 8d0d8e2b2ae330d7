package main

import (
	"context"
	"errors"
	"time"
)

var (
	lost     = errors.New("lost")
	shutdown = errors.New("shutdown")
)

var causeRules = []rule{
	{"cause: of what is not done, and of the background", "context TestCause", func() string {
		ctx, cancel := withCancelCause(context.Background())
		defer cancel(nil)
		return say(cause(ctx), cause(context.Background()))
	}},
	{"cause: what cancel gave, and Err", "context TestCause", func() string {
		ctx, cancel := withCancelCause(context.Background())
		cancel(lost)
		return say(cause(ctx), ctx.Err())
	}},
	{"cause: without one it is Err", "context TestCause", func() string {
		ctx, cancel := withCancelCause(context.Background())
		cancel(nil)
		plain, cancelPlain := context.WithCancel(context.Background())
		cancelPlain()
		late, cancelLate := context.WithTimeout(context.Background(), 0)
		defer cancelLate()
		a, b := cause(ctx), cause(plain)
		return say(a, b, cause(late))
	}},
	{"cause: the first one stays", "context TestCause", func() string {
		ctx, cancel := withCancelCause(context.Background())
		cancel(lost)
		cancel(shutdown)
		return say(cause(ctx))
	}},
	{"cause: a parent that is cancelled first gives its own", "context TestCause", func() string {
		parent, cancel := withCancelCause(context.Background())
		child, cancelChild := withCancelCause(parent)
		cancel(shutdown)
		cancelChild(lost)
		return say(cause(parent), cause(child))
	}},
	{"cause: a child that is cancelled first keeps its own", "context TestCause", func() string {
		parent, cancel := withCancelCause(context.Background())
		child, cancelChild := withCancelCause(parent)
		cancelChild(lost)
		cancel(shutdown)
		return say(cause(parent), cause(child))
	}},
	{"cause: a child of a parent that is done", "context TestCause", func() string {
		parent, cancel := withCancelCause(context.Background())
		cancel(lost)
		child, cancelChild := context.WithTimeout(parent, time.Hour)
		defer cancelChild()
		return say(cause(child), child.Err())
	}},
	{"cause: of a deadline that comes", "context TestCause", func() string {
		ctx, cancel := withTimeoutCause(context.Background(), unit, lost)
		defer cancel()
		<-ctx.Done()
		return say(cause(ctx), ctx.Err())
	}},
	{"cause: of a deadline that has passed", "context TestCause", func() string {
		ctx, cancel := withTimeoutCause(context.Background(), -unit, lost)
		defer cancel()
		return say(cause(ctx), ctx.Err())
	}},
	{"cause: cancel does not set that of the deadline", "context TestCause", func() string {
		ctx, cancel := withTimeoutCause(context.Background(), unit, lost)
		cancel()
		pass(2)
		return say(cause(ctx), ctx.Err())
	}},
	{"WithoutCancel: never done, no deadline, no cause", "context TestWithoutCancel", func() string {
		parent, cancel := withCancelCause(context.Background())
		ctx := withoutCancel(parent)
		cancel(lost)
		_, limited := ctx.Deadline()
		return say(ctx.Done() == nil, ctx.Err(), limited, cause(ctx))
	}},
	{"WithoutCancel: a child below it", "context TestWithoutCancel", func() string {
		parent, cancel := withCancelCause(context.Background())
		child, cancelChild := withCancelCause(withoutCancel(parent))
		cancel(lost)
		before := child.Err()
		cancelChild(shutdown)
		return say(before, cause(child))
	}},
	{"context AfterFunc: runs after cancel", "context TestAfterFuncCalledAfterCancel", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan int, 1)
		stop := contextAfterFunc(ctx, func() { ran <- 1 })
		settle()
		before := len(ran)
		cancel()
		return say(before, arrives(ran), stop())
	}},
	{"context AfterFunc: runs after the deadline", "context TestAfterFuncCalledAfterTimeout", func() string {
		ctx, cancel := context.WithTimeout(context.Background(), unit)
		defer cancel()
		ran := make(chan int, 1)
		contextAfterFunc(ctx, func() { ran <- 1 })
		return say(arrives(ran))
	}},
	{"context AfterFunc: at once if it is done", "context TestAfterFuncCalledImmediately", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		ran := make(chan int, 1)
		stop := contextAfterFunc(ctx, func() { ran <- 1 })
		return say(arrives(ran), stop())
	}},
	{"context AfterFunc: not after stop", "context TestAfterFuncNotCalledAfterStop", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan int, 1)
		stop := contextAfterFunc(ctx, func() { ran <- 1 })
		first := stop()
		second := stop()
		cancel()
		settle()
		return say(first, second, len(ran))
	}},
	{"context AfterFunc: two of one context are independent", "context TestAfterFuncNotCalledAfterStop", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		a, b := make(chan int, 1), make(chan int, 1)
		stop := contextAfterFunc(ctx, func() { a <- 1 })
		contextAfterFunc(ctx, func() { b <- 1 })
		stop()
		cancel()
		arrived := arrives(b)
		return say(arrived, len(a))
	}},
	{"context AfterFunc: cancel does not wait for it", "context TestAfterFuncCalledAsynchronously", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		gate, ran := make(chan int), make(chan int, 1)
		contextAfterFunc(ctx, func() { ran <- <-gate })
		cancel()
		gate <- 1
		return say(arrives(ran))
	}},
	{"context AfterFunc: of the background never, and stop says so", "context TestAfterFuncNotCalledAfterStop", func() string {
		stop := contextAfterFunc(context.Background(), func() {})
		first := stop()
		return say(first, stop())
	}},
}
