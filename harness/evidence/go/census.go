package main

import (
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// counts is what the heap holds of a pattern: the objects that were allocated below one of its functions.
type counts struct {
	Timers            int64 `json:"timers"`             // time.Timer and time.Ticker objects
	TimerObjects      int64 `json:"timer_objects"`      // those, and what their channels consist of
	TimerBytes        int64 `json:"timer_bytes"`        // of all these objects
	QueueBytes        int64 `json:"queue_bytes"`        // the run-time's list of timers, where the pattern made it grow
	Registrations     int64 `json:"registrations"`      // channels that the pattern itself made: for signals
	RegistrationBytes int64 `json:"registration_bytes"` // of those, and of what signal.Notify keeps for them
}

func (c counts) live() int64 { return c.Timers + c.Registrations }

// takeCensus collects garbage and counts what is left. It relies on MemProfileRate = 1: every allocation is in the profile.
// What it counts is the heap as it was when the collection ended, an instant that it returns: what is allocated until then is
// in, what was unreachable when the collection began is out.
func takeCensus() (c counts, collected time.Time) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	records := make([]runtime.MemProfileRecord, 1000)
	n, ok := runtime.MemProfile(records, false)
	for !ok {
		records = make([]runtime.MemProfileRecord, 2*n)
		n, ok = runtime.MemProfile(records, false)
	}
	for i := range records[:n] {
		c.add(&records[i])
	}
	return c, time.Unix(0, int64(stats.LastGC))
}

func (c *counts) add(r *runtime.MemProfileRecord) {
	var names []string
	ours := -1 // the pattern's frame
	frames := runtime.CallersFrames(r.Stack())
	for more := true; more && ours < 0; {
		var frame runtime.Frame
		frame, more = frames.Next()
		names = append(names, frame.Function)
		if strings.HasPrefix(frame.Function, "afterleak/leaky.") || strings.HasPrefix(frame.Function, "afterleak/fixed.") {
			ours = len(names) - 1
		}
	}
	if ours < 0 {
		return
	}
	// Newer Gos (1.26 and 1.27) begin with the allocator and what of the run-time called it, which older ones leave out.
	if ours >= 2 && names[0] == "runtime.mallocgc" {
		names, ours = names[2:], ours-2
	}
	// From the allocating function of the run-time outwards to the function that the pattern called.
	inner := names[:ours]
	calls := func(prefixes ...string) bool {
		for _, name := range inner {
			for _, prefix := range prefixes {
				if strings.HasPrefix(name, prefix) {
					return true
				}
			}
		}
		return false
	}
	objects, bytes := r.InUseObjects(), r.InUseBytes()
	switch {
	case objects == 0:
	case calls("runtime.doaddtimer", "runtime.(*timers).addHeap"):
		c.QueueBytes += bytes
	case calls("time.NewTimer", "time.NewTicker", "time.AfterFunc"):
		c.TimerObjects += objects
		c.TimerBytes += bytes
		// The channel's head is made by makechan; its one slot is a time.Time; what is left is the timer.
		if !calls("runtime.makechan") && bytes/objects > int64(unsafe.Sizeof(time.Time{})) {
			c.Timers += objects
		}
	case calls("os/signal.Notify"):
		c.RegistrationBytes += bytes
	case len(inner) == 0: // the slot of the channel that the pattern makes itself
		c.RegistrationBytes += bytes
	case calls("runtime.makechan"):
		c.RegistrationBytes += bytes
		c.Registrations += objects
	}
}
