package client

import (
	"runtime"
	"testing"
)

func TestLeavesNothingBehind(t *testing.T) {
	runtime.MemProfileRate = 1
	answers := make(chan string, 1)
	for i := 0; i < 100; i++ {
		answers <- "yes"
		Ask(answers)
	}
	runtime.GC()
	runtime.GC()
	held := make([]runtime.MemProfileRecord, 10000)
	count, _ := runtime.MemProfile(held, false)
	for _, each := range held[:count] {
		if each.InUseObjects() < 100 {
			continue
		}
		t.Errorf("left behind: %d objects", each.InUseObjects())
		for frames, more := runtime.CallersFrames(each.Stack()), true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			t.Logf("%s:%d", frame.Function, frame.Line)
		}
	}
}
