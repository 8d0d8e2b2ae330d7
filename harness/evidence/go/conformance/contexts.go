package main

import (
	"context"
	"math"
	"time"
)

type key int

const (
	key1 key = iota
	key2
)

func value(ctx context.Context, k key) string {
	if v, ok := ctx.Value(k).(string); ok {
		return v
	}
	return "none"
}

// The hours until a deadline.
func hours(ctx context.Context) int {
	deadline, _ := ctx.Deadline()
	return int(math.Round(time.Until(deadline).Hours()))
}

var contextRules = []rule{
	{"Background is never done", "context TestBackground", func() string {
		ctx := context.Background()
		_, limited := ctx.Deadline()
		return say(ctx.Done() == nil, ctx.Err(), limited)
	}},
	{"cancel: Err and Done before and after", "context TestWithCancel", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		before, open := ctx.Err(), !closed(ctx.Done())
		cancel()
		return say(before, open, ctx.Err(), closed(ctx.Done()))
	}},
	{"cancel twice", "context TestSimultaneousCancels", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		cancel()
		return say(ctx.Err())
	}},
	{"cancel from many goroutines at once", "context TestSimultaneousCancels", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		for i := 0; i < 10; i++ {
			go cancel()
		}
		done := arrives(ctx.Done())
		return say(done, ctx.Err())
	}},
	{"Done is the same channel each time", "context TestWithCancel", func() string {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		return say(ctx.Done() == ctx.Done())
	}},
	{"a parent ends its child and grandchild before cancel returns", "context TestParentFinishesChild", func() string {
		parent, cancel := context.WithCancel(context.Background())
		child, cancelChild := context.WithCancel(parent)
		defer cancelChild()
		grandchild, cancelGrandchild := context.WithTimeout(child, time.Hour)
		defer cancelGrandchild()
		cancel()
		done := closed(child.Done())
		return say(done, child.Err(), closed(grandchild.Done()), grandchild.Err())
	}},
	{"a child that ends leaves its parent alone", "context TestChildFinishesFirst", func() string {
		parent, cancel := context.WithCancel(context.Background())
		defer cancel()
		child, cancelChild := context.WithCancel(parent)
		cancelChild()
		return say(child.Err(), parent.Err(), closed(parent.Done()))
	}},
	{"a child of which only Done is kept ends with its parent", "context TestLayersCancel", func() string {
		parent, cancel := context.WithCancel(context.Background())
		done := func() <-chan struct{} {
			child, _ := context.WithCancel(parent)
			grandchild, _ := context.WithCancel(child)
			return grandchild.Done()
		}()
		objects() // lets the garbage collector have what it can get
		cancel()
		return say(closed(done))
	}},
	{"a child of a parent that is cancelled", "context TestWithCancelCanceledParent", func() string {
		parent, cancel := context.WithCancel(context.Background())
		cancel()
		child, cancelChild := context.WithTimeout(parent, time.Hour)
		defer cancelChild()
		done := closed(child.Done())
		return say(done, child.Err())
	}},
	{"a child of a parent whose deadline is past", "context TestWithCancelCanceledParent", func() string {
		parent, cancel := context.WithTimeout(context.Background(), 0)
		defer cancel()
		child, cancelChild := context.WithCancel(parent)
		defer cancelChild()
		return say(child.Err())
	}},
	{"a deadline of the past below a parent that is cancelled", "context TestWithCancelCanceledParent", func() string {
		parent, cancel := context.WithCancel(context.Background())
		cancel()
		child, cancelChild := context.WithTimeout(parent, -unit)
		defer cancelChild()
		return say(child.Err())
	}},
	{"WithTimeout: Err, and when", "context TestTimeout", func() string {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*unit)
		defer cancel()
		<-ctx.Done()
		return say(units(time.Since(begin)), ctx.Err())
	}},
	{"WithDeadline: Err, and when", "context TestDeadline", func() string {
		begin := time.Now()
		ctx, cancel := context.WithDeadline(context.Background(), begin.Add(2*unit))
		defer cancel()
		<-ctx.Done()
		return say(units(time.Since(begin)), ctx.Err())
	}},
	{"a deadline of now or the past is done at return", "context TestDeadline", func() string {
		now, cancelNow := context.WithDeadline(context.Background(), time.Now())
		defer cancelNow()
		past, cancelPast := context.WithTimeout(context.Background(), -unit)
		defer cancelPast()
		done := closed(now.Done())
		return say(done, now.Err(), closed(past.Done()), past.Err())
	}},
	{"cancel before the deadline: the first error stays", "context TestCanceledTimeout", func() string {
		ctx, cancel := context.WithTimeout(context.Background(), 2*unit)
		cancel()
		pass(3)
		return say(ctx.Err())
	}},
	{"cancel after the deadline: the first error stays", "context TestCanceledTimeout", func() string {
		ctx, cancel := context.WithTimeout(context.Background(), unit)
		<-ctx.Done()
		cancel()
		return say(ctx.Err())
	}},
	{"a child inherits its parent's deadline", "context TestDeadline", func() string {
		parent, cancel := context.WithTimeout(context.Background(), 2*unit)
		defer cancel()
		child, cancelChild := context.WithCancel(parent)
		defer cancelChild()
		later, cancelLater := context.WithTimeout(child, time.Hour)
		defer cancelLater()
		limit, _ := parent.Deadline()
		a, _ := child.Deadline()
		b, _ := later.Deadline()
		<-later.Done()
		return say(a == limit, b == limit, later.Err())
	}},
	{"a child with an earlier deadline ends first, and alone", "context TestLayersTimeout", func() string {
		begin := time.Now()
		parent, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		child, cancelChild := context.WithTimeout(parent, 2*unit)
		defer cancelChild()
		<-child.Done()
		return say(units(time.Since(begin)), child.Err(), parent.Err())
	}},
	{"a child of a parent that is cancelled before both deadlines", "context TestLayersTimeout", func() string {
		parent, cancel := context.WithTimeout(context.Background(), 4*unit)
		child, cancelChild := context.WithTimeout(parent, 2*unit)
		defer cancelChild()
		cancel()
		pass(3)
		return say(child.Err())
	}},
	{"WithTimeout of the largest duration never comes", "context TestDeadline", func() string {
		ctx, cancel := context.WithTimeout(context.Background(), math.MaxInt64)
		defer cancel()
		_, limited := ctx.Deadline()
		pass(2)
		return say(limited, ctx.Err())
	}},
	{"a context not yet chosen is never done", "context TestTODO", func() string {
		ctx := context.TODO()
		_, limited := ctx.Deadline()
		return say(ctx.Done() == nil, ctx.Err(), limited)
	}},
	{"the deadline of a child below a parent that is cancelled", "context TestWithCancelCanceledParent", func() string {
		parent, cancel := context.WithTimeout(context.Background(), 4*time.Hour)
		cancel()
		own, cancelOwn := context.WithTimeout(parent, time.Hour)
		defer cancelOwn()
		parents, cancelParents := context.WithTimeout(parent, 8*time.Hour)
		defer cancelParents()
		return say(hours(own), hours(parents))
	}},
	{"a context with a value: Done, Err and deadline are its parent's", "context TestValues", func() string {
		parent, cancel := context.WithTimeout(context.Background(), time.Hour)
		ctx := context.WithValue(parent, key1, "a")
		cancel()
		return say(ctx.Done() == parent.Done(), ctx.Err(), hours(ctx))
	}},
	{"a value is found below, by its key, and not above", "context TestValues", func() string {
		top := context.WithValue(context.Background(), key1, "a")
		middle, cancel := context.WithCancel(top)
		defer cancel()
		below := context.WithValue(middle, key2, "b")
		return say(value(below, key1), value(below, key2), value(middle, key2), value(context.Background(), key1))
	}},
	{"the last value of a key hides those above", "context TestValues", func() string {
		top := context.WithValue(context.Background(), key1, "a")
		below := context.WithValue(top, key1, "b")
		return say(value(top, key1), value(below, key1))
	}},
}
