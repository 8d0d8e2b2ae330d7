//go:build go1.21

package main

import (
	"context"
	"time"
)

// What package context has had since Go 1.20 or 1.21.

func withCancelCause(parent context.Context) (context.Context, func(error)) {
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, cancel
}

func withTimeoutCause(parent context.Context, timeout time.Duration, cause error) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(parent, timeout, cause)
}

func cause(ctx context.Context) error { return context.Cause(ctx) }

func withoutCancel(parent context.Context) context.Context { return context.WithoutCancel(parent) }

func contextAfterFunc(ctx context.Context, f func()) func() bool { return context.AfterFunc(ctx, f) }
