//go:build !go1.21

package main

import (
	"context"
	"time"
)

// A Go that does not have them yet says so.

func withCancelCause(context.Context) (context.Context, func(error)) { panic(notYet) }

func withTimeoutCause(context.Context, time.Duration, error) (context.Context, context.CancelFunc) {
	panic(notYet)
}

func cause(context.Context) error { panic(notYet) }

func withoutCancel(context.Context) context.Context { panic(notYet) }

func contextAfterFunc(context.Context, func()) func() bool { panic(notYet) }
