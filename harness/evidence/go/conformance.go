// What Go does, rule by rule. conformance.cc asks our library the same, in the same order and words.
//
// Each rule is drawn from what a test of Go's own asserts, and names it; the code is ours. A line
// of output is a rule, its outcome and that test, with tabs between them. What stays blocked is left
// behind: the process is short-lived.
//
//	conformance                all rules
//	conformance --only ID      one of them
//	conformance --child ID     what that rule has a process of its own do
package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// All that is timed is a multiple of this; a machine that is late by less than half of it does no harm.
const unit = 50 * time.Millisecond

type rule struct {
	id    string
	from  string // the test of Go's that it is drawn from
	probe func() string
}

// ---- how outcomes are found and told

// What was found, in one line.
func say(parts ...any) string {
	return strings.TrimSuffix(fmt.Sprintln(parts...), "\n")
}

// Lets time go by.
func pass(units float64) {
	time.Sleep(time.Duration(units * float64(unit)))
}

// Returns when every other goroutine is blocked.
func settle() {
	pass(1)
}

// A span as a number of units.
func units(span time.Duration) int {
	return int(math.Round(float64(span) / float64(unit)))
}

// Starts a goroutine, which runs until it blocks.
func start(body func()) {
	go body()
	settle()
}

// Whether body gets stuck.
func blocks(body func()) string {
	done := make(chan bool, 1)
	start(func() {
		body()
		done <- true
	})
	if ready(done) {
		return "goes on"
	}
	return "blocks"
}

// What body panics with.
func panics(body func()) (outcome string) {
	defer func() {
		if text := recover(); text != nil {
			outcome = say("panic:", text)
		}
	}()
	body()
	return "no panic"
}

// What a goroutine that is blocked in body panics with once it is woken.
func panicsWhenWoken(body, wake func()) string {
	outcome := make(chan string, 1)
	start(func() { outcome <- panics(body) })
	wake()
	return <-outcome
}

// Receives a value if one is there.
func ready[T any](c <-chan T) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Receives a value that may take its time; the longest wait of any rule is much shorter than this.
func arrives[T any](c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-time.After(100 * unit):
		return false
	}
}

// How many values are there.
func count[T any](c <-chan T) int {
	n := 0
	for ready(c) {
		n++
	}
	return n
}

// Receives.
func take(c <-chan int) string {
	value, ok := <-c
	return say(value, ok)
}

// Sends values if there is room; how many.
func fill(c chan<- int, values ...int) int {
	for i, value := range values {
		select {
		case c <- value:
		default:
			return i
		}
	}
	return len(values)
}

func closed[T any](c <-chan T) bool {
	select {
	case _, ok := <-c:
		return !ok
	default:
		return false
	}
}

func sizes[T any](c <-chan T) string {
	return fmt.Sprintf("%d/%d", len(c), cap(c))
}

// How many of a thousand tries chose each of two cases: about as many, or only one.
func fairness(try func() int) string {
	var chosen [2]int
	for i := 0; i < 1000; i++ {
		chosen[try()]++
	}
	if chosen[0] > 350 && chosen[1] > 350 {
		return "both, evenly"
	}
	return say(chosen[0], "to", chosen[1])
}

// Whether what drop leaves behind is kept.
func kept(drop func()) string {
	const times = 500
	// Stopped timers leave Go's queues when a processor next looks at its own: one has to do.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	before := objects()
	for i := 0; i < times; i++ {
		drop()
	}
	if objects() > before+times/2 { // other rules' garbage goes meanwhile
		return "kept"
	}
	return "released"
}

func objects() uint64 {
	var stats runtime.MemStats
	settle()
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return stats.HeapObjects
}

func raise(sig syscall.Signal) {
	syscall.Kill(syscall.Getpid(), sig)
	settle()
}

var (
	current string // the rule that is being probed
	inChild bool   // in a process that it started
)

// What body tells in a process of its own, or what that died of.
func child(body func() string) string {
	return childOf(body, os.Args[0], "--child", current)
}

// The same in a process that ignores SIGHUP from its start.
func childUnderNohup(body func() string) string {
	return childOf(body, "sh", "-c", `trap "" HUP; exec "$@"`, "sh", os.Args[0], "--child", current)
}

func childOf(body func() string, command ...string) string {
	if inChild {
		fmt.Print(body())
		os.Exit(0)
	}
	process := exec.Command(command[0], command[1:]...)
	out, _ := process.Output()
	if status := process.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return fmt.Sprintf("%skilled by signal %d", out, status.Signal())
	}
	return string(out)
}

// What the run-time says of a program that consists of body.
func deadlocks(body func()) string {
	if inChild {
		body()
		os.Exit(0)
	}
	var said bytes.Buffer
	process := exec.Command(os.Args[0], "--child", current)
	process.Stderr = &said
	if process.Run() == nil {
		return "ends"
	}
	for _, line := range strings.Split(said.String(), "\n") {
		if strings.HasPrefix(line, "goroutine 1 ") {
			verdict := strings.TrimPrefix(strings.SplitN(said.String(), "\n", 2)[0], "fatal error: ")
			return say(verdict, strings.TrimSuffix(line, ":"))
		}
	}
	return said.String()
}

var rules = []rule{
	// ---- channels

	{"a receive from a nil channel blocks", "test/chan/select3.go", func() string {
		var none chan int
		return blocks(func() { <-none })
	}},
	{"a send to a nil channel blocks", "test/chan/select3.go", func() string {
		var none chan int
		return blocks(func() { none <- 1 })
	}},
	{"close of a nil channel panics", "test/chan/select3.go", func() string {
		var none chan int
		return panics(func() { close(none) })
	}},
	{"len and cap of a nil channel", "test/chancap.go", func() string {
		var none chan int
		return sizes(none)
	}},
	{"an unbuffered channel: a receive alone blocks", "runtime TestChan", func() string {
		c := make(chan int)
		return blocks(func() { <-c })
	}},
	{"an unbuffered channel: a send alone blocks", "runtime TestChan", func() string {
		c := make(chan int)
		return blocks(func() { c <- 1 })
	}},
	{"an unbuffered channel: a send returns when it is received", "test/chan/nonblock.go", func() string {
		c := make(chan int)
		sent := make(chan bool, 1)
		start(func() { c <- 7; sent <- true })
		before := ready(sent)
		value := take(c)
		return say(before, value, arrives(sent))
	}},
	{"an unbuffered channel: a send without waiting finds a receiver that waits", "test/chan/nonblock.go", func() string {
		c := make(chan int)
		alone := fill(c, 1)
		start(func() { <-c })
		return say(alone, fill(c, 1, 2))
	}},
	{"an unbuffered channel: len and cap with a sender that waits", "test/chancap.go", func() string {
		c := make(chan int)
		start(func() { c <- 1 })
		return sizes(c)
	}},
	{"a buffered channel takes as many values as it has room for", "runtime TestChan", func() string {
		c := make(chan int, 3)
		return say(fill(c, 1, 2, 3, 4), sizes(c))
	}},
	{"a full channel: a send blocks", "runtime TestChan", func() string {
		c := make(chan int, 1)
		c <- 1
		return blocks(func() { c <- 2 })
	}},
	{"a full channel: a receive lets the sender's value in, last", "runtime TestChan", func() string {
		c := make(chan int, 2)
		fill(c, 1, 2)
		start(func() { c <- 3 })
		first := take(c)
		size := sizes(c)
		second := take(c)
		return say(first, size, second, take(c))
	}},
	{"a buffered channel keeps the order", "test/chan/fifo.go", func() string {
		c := make(chan int, 3)
		fill(c, 1, 2)
		<-c
		fill(c, 3, 4)
		a, b := take(c), take(c)
		return say(a, b, take(c))
	}},
	{"values without size are counted", "test/chan/zerosize.go", func() string {
		c := make(chan struct{}, 3)
		c <- struct{}{}
		c <- struct{}{}
		size := sizes(c)
		return say(size, count(c))
	}},
	{"blocked receivers are served first come, first served", "test/chan/fifo.go", func() string {
		c := make(chan int)
		order := make(chan int, 3)
		for i := 1; i <= 3; i++ {
			i := i
			start(func() { <-c; order <- i })
		}
		for i := 0; i < 3; i++ {
			c <- 0
			settle()
		}
		a, b := take(order), take(order)
		return say(a, b, take(order))
	}},
	{"blocked senders are served first come, first served", "test/chan/fifo.go", func() string {
		c := make(chan int)
		for i := 1; i <= 3; i++ {
			i := i
			start(func() { c <- i })
		}
		a, b := take(c), take(c)
		return say(a, b, take(c))
	}},
	{"four senders, four receivers: every value arrives once", "runtime TestMultiConsumer", func() string {
		c := make(chan int, 2)
		sums := make(chan int, 4)
		var senders sync.WaitGroup
		senders.Add(4)
		for i := 0; i < 4; i++ {
			go func() {
				sum := 0
				for value := range c {
					sum += value
				}
				sums <- sum
			}()
			go func() {
				for value := 1; value <= 100; value++ {
					c <- value
				}
				senders.Done()
			}()
		}
		senders.Wait()
		close(c)
		return say(<-sums + <-sums + <-sums + <-sums)
	}},

	// ---- closed channels

	{"a closed channel drains, then yields zero and false", "runtime TestChan", func() string {
		c := make(chan int, 2)
		fill(c, 1, 2)
		close(c)
		a, b := take(c), take(c)
		d := take(c)
		return say(a, b, d, take(c))
	}},
	{"a closed channel: len and cap", "test/closedchan.go", func() string {
		c := make(chan int, 3)
		fill(c, 1, 2)
		close(c)
		return sizes(c)
	}},
	{"a closed channel: a send panics", "test/closedchan.go", func() string {
		c := make(chan int, 1)
		close(c)
		return panics(func() { c <- 1 })
	}},
	{"a closed channel: a send in a select with a default panics", "test/closedchan.go", func() string {
		c := make(chan int)
		close(c)
		return panics(func() {
			select {
			case c <- 1:
			default:
			}
		})
	}},
	{"a closed channel: close panics", "test/closedchan.go", func() string {
		c := make(chan int)
		close(c)
		return panics(func() { close(c) })
	}},
	{"a closed channel works on after a panic", "test/closedchan.go", func() string {
		c := make(chan int, 2)
		fill(c, 5)
		close(c)
		panics(func() { c <- 1 })
		panics(func() { close(c) })
		first := take(c)
		return say(first, take(c))
	}},
	{"close wakes every receiver", "runtime TestChan", func() string {
		c := make(chan int)
		woken := make(chan string, 3)
		for i := 0; i < 3; i++ {
			start(func() { woken <- take(c) })
		}
		close(c)
		a, b := <-woken, <-woken
		return say(a, b, <-woken)
	}},
	{"close makes a blocked sender panic", "test/closedchan.go", func() string {
		c := make(chan int)
		return panicsWhenWoken(func() { c <- 1 }, func() { close(c) })
	}},
	{"close makes a blocked select with a send panic", "test/closedchan.go", func() string {
		c, other := make(chan int), make(chan int)
		return panicsWhenWoken(func() {
			select {
			case c <- 1:
			case <-other:
			}
		}, func() { close(c) })
	}},
	{"close wakes a blocked select with a receive", "test/closedchan.go", func() string {
		c, other := make(chan int), make(chan int)
		woken := make(chan string, 1)
		start(func() {
			select {
			case value, ok := <-c:
				woken <- say(value, ok)
			case <-other:
				woken <- "other"
			}
		})
		close(c)
		return <-woken
	}},
	{"range ends when the channel is closed and drained", "test/range.go", func() string {
		c := make(chan int, 3)
		fill(c, 1, 2, 3)
		close(c)
		sum := 0
		for value := range c {
			sum += value
		}
		return say(sum)
	}},
	{"range over a closed channel: no turn", "test/range.go", func() string {
		c := make(chan int)
		close(c)
		turns := 0
		for range c {
			turns++
		}
		return say(turns)
	}},

	// ---- select

	{"select with nothing ready takes the default", "test/chan/nonblock.go", func() string {
		var none chan int
		empty := make(chan int)
		full := make(chan int, 1)
		full <- 1
		select {
		case <-none:
			return "receives from nil"
		case none <- 1:
			return "sends to nil"
		case <-empty:
			return "receives"
		case full <- 2:
			return "sends"
		default:
			return "default"
		}
	}},
	{"select with something ready does not take the default", "test/chan/select3.go", func() string {
		c := make(chan int, 1)
		defaults := 0
		for i := 0; i < 1000; i++ {
			select {
			case c <- i:
			default:
				defaults++
			}
			select {
			case <-c:
			default:
				defaults++
			}
		}
		return say(defaults)
	}},
	{"select chooses evenly among receives that are ready", "runtime TestSelectFairness", func() string {
		a, b := make(chan int), make(chan int)
		close(a)
		close(b)
		return fairness(func() int {
			select {
			case <-a:
				return 0
			case <-b:
				return 1
			}
		})
	}},
	{"select chooses evenly between a receive and a send", "runtime TestPseudoRandomSend", func() string {
		return fairness(func() int {
			a, b := make(chan int, 1), make(chan int, 1)
			a <- 1
			select {
			case <-a:
				return 0
			case b <- 1:
				return 1
			}
		})
	}},
	{"select chooses evenly between two sends to one channel", "runtime TestPseudoRandomSend", func() string {
		c := make(chan int, 1)
		return fairness(func() int {
			select {
			case c <- 0:
			case c <- 1:
			}
			return <-c
		})
	}},
	{"select chooses evenly when one channel stands in both cases", "test/chan/doubleselect.go", func() string {
		c := make(chan int)
		close(c)
		return fairness(func() int {
			select {
			case <-c:
				return 0
			case <-c:
				return 1
			}
		})
	}},
	{"select with one channel twice: a value wakes one case", "runtime TestSelectDuplicateChannel", func() string {
		c, done := make(chan int), make(chan string, 1)
		start(func() {
			select {
			case value := <-c:
				done <- say(value)
			case value := <-c:
				done <- say(value)
			}
		})
		return say(fill(c, 7, 8), <-done)
	}},
	{"select leaves nothing in the queues of the cases that lost", "test/chan/select6.go", func() string {
		a, b, done := make(chan int), make(chan int), make(chan bool, 1)
		start(func() {
			select {
			case <-a:
			case <-b:
			}
			done <- true
		})
		b <- 1
		<-done
		return say(fill(a, 1), fill(b, 1))
	}},
	{"select that lost does not disturb the receivers behind it", "test/chan/select6.go", func() string {
		a, b, got := make(chan int), make(chan int), make(chan string, 2)
		start(func() {
			select {
			case <-a:
			case <-b:
			}
		})
		start(func() { got <- say("a", take(a)) })
		b <- 1
		settle()
		return say(fill(a, 5, 6), <-got)
	}},
	{"select: what becomes ready first wins", "test/chan/select.go", func() string {
		a, b, won := make(chan int), make(chan int), make(chan string, 1)
		start(func() {
			select {
			case <-a:
				won <- "a"
			case <-b:
				won <- "b"
			}
		})
		fill(b, 1)
		fill(a, 1)
		return <-won
	}},
	{"select with a send and a receive of one unbuffered channel blocks", "runtime TestSelfSelect", func() string {
		c := make(chan int)
		return blocks(func() {
			select {
			case c <- 1:
			case <-c:
			}
		})
	}},
	{"select with a send and a receive of one buffered channel: by turns", "runtime TestSelfSelect", func() string {
		c := make(chan int, 1)
		turns := ""
		for i := 0; i < 4; i++ {
			select {
			case c <- 1:
				turns += "s"
			case <-c:
				turns += "r"
			}
		}
		return turns
	}},
	{"two selects with a send and a receive of one channel meet", "runtime TestSelfSelect", func() string {
		for _, capacity := range []int{0, 10} {
			c := make(chan int, capacity)
			own := int32(0)
			var both sync.WaitGroup
			both.Add(2)
			for p := 0; p < 2; p++ {
				p := p
				go func() {
					defer both.Done()
					for i := 0; i < 500; i++ {
						if p == 0 || i%2 == 0 {
							select {
							case c <- p:
							case value := <-c:
								if capacity == 0 && value == p {
									atomic.AddInt32(&own, 1)
								}
							}
						} else {
							select {
							case value := <-c:
								if capacity == 0 && value == p {
									atomic.AddInt32(&own, 1)
								}
							case c <- p:
							}
						}
					}
				}()
			}
			both.Wait()
			if own > 0 {
				return "received from itself"
			}
		}
		return "never from itself"
	}},
	{"select evaluates channels and values once, in order, chosen or not", "test/chan/select5.go", func() string {
		a, b := make(chan int), make(chan int, 1)
		trace := ""
		channel := func(name string, c chan int) chan int {
			trace += name
			return c
		}
		values := 0
		value := func() int {
			values++
			return values
		}
		select {
		case <-channel("a", a):
		case channel("b", b) <- value():
		case channel("n", nil) <- value():
		}
		return say(trace, values)
	}},
	{"select receives zero and false from a closed channel, again and again", "test/closedchan.go", func() string {
		c := make(chan int)
		close(c)
		seen := ""
		for i := 0; i < 2; i++ {
			select {
			case value, ok := <-c:
				seen += say(value, ok, "")
			}
		}
		return strings.TrimSpace(seen)
	}},
	{"select: a ready case beside one on a nil channel", "test/chan/select3.go", func() string {
		var none chan int
		c := make(chan int, 1)
		select {
		case none <- 1:
			return "nil"
		case c <- 1:
			return "the ready one"
		}
	}},

	// ---- deadlocks

	{"deadlock: a receive", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { <-make(chan int) })
	}},
	{"deadlock: a send", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { make(chan int) <- 1 })
	}},
	{"deadlock: a receive from nil", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { <-(chan int)(nil) })
	}},
	{"deadlock: a send to nil", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { (chan int)(nil) <- 1 })
	}},
	{"deadlock: a select without cases", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() { select {} })
	}},
	{"deadlock: a select", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() {
			a, b := make(chan int), make(chan int)
			select {
			case <-a:
			case <-b:
			}
		})
	}},
	{"deadlock: a stopped timer", "runtime TestSimpleDeadlock", func() string {
		return deadlocks(func() {
			timer := time.NewTimer(unit)
			timer.Stop()
			<-timer.C
		})
	}},
	{"no deadlock: a pending callback can still come", "time TestSleepZeroDeadlock", func() string {
		return deadlocks(func() {
			c := make(chan int)
			time.AfterFunc(unit, func() { c <- 1 })
			<-c
		})
	}},
	{"no deadlock: a deadline can still come", "time TestSleepZeroDeadlock", func() string {
		return deadlocks(func() {
			ctx, cancel := context.WithTimeout(context.Background(), unit)
			defer cancel()
			<-ctx.Done()
		})
	}},

	// ---- timers

	{"a timer: len and cap before it expires", "time TestChan", func() string {
		return sizes(time.NewTimer(10 * unit).C)
	}},
	{"a timer: len and cap when it has expired, unread", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return sizes(timer.C)
	}},
	{"a timer fires once, after its delay", "time TestAfter", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		stamp := <-timer.C
		pass(3)
		return say(units(stamp.Sub(begin)), ready(timer.C))
	}},
	{"a timer that is read late tells when it expired", "time TestAfterTimes", func() string {
		begin := time.Now()
		timer := time.NewTimer(unit)
		pass(4)
		return say(units((<-timer.C).Sub(begin)))
	}},
	{"After tells the time of expiry", "time TestAfterTick", func() string {
		begin := time.Now()
		return say(units((<-time.After(2 * unit)).Sub(begin)))
	}},
	{"timers fire by deadline, not by order of arming", "time TestAfterQueuing", func() string {
		order := make(chan int, 4)
		for _, delay := range []int{3, 1, 4, 2} {
			delay := delay
			time.AfterFunc(time.Duration(2*delay)*unit, func() { order <- delay })
		}
		a, b := <-order, <-order
		d := <-order
		return say(a, b, d, <-order)
	}},
	{"Stop of an active timer, then again", "time TestStopResult", func() string {
		timer := time.NewTimer(10 * unit)
		first := timer.Stop()
		return say(first, timer.Stop())
	}},
	{"a stopped timer does not fire", "time TestAfterStop", func() string {
		timer := time.NewTimer(unit)
		timer.Stop()
		pass(3)
		return say(ready(timer.C))
	}},
	{"Stop does not close the channel", "time TestChan", func() string {
		timer := time.NewTimer(10 * unit)
		timer.Stop()
		return blocks(func() { <-timer.C })
	}},
	{"Stop of a timer that was received", "time TestStopResult", func() string {
		timer := time.NewTimer(unit)
		<-timer.C
		return say(timer.Stop())
	}},
	{"Stop of an expired, unread timer", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return say(timer.Stop())
	}},
	{"Stop of an expired, unread timer: the stale value can be read", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Stop()
		return say(ready(timer.C))
	}},
	{"Stop of a timer that a receiver waits for leaves it waiting", "time TestChan", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 1)
		start(func() { <-timer.C; got <- true })
		stopped := timer.Stop()
		pass(3)
		return say(stopped, ready(got))
	}},
	{"Stop after a receiver that waited got the value", "time TestStopResult", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 1)
		start(func() { <-timer.C; got <- true })
		<-got
		return say(timer.Stop())
	}},
	{"Reset of an active timer moves its deadline", "time TestReset", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		pass(1)
		active := timer.Reset(4 * unit)
		return say(active, units((<-timer.C).Sub(begin)), ready(timer.C))
	}},
	{"Reset to an earlier deadline", "time TestTimerModifiedEarlier", func() string {
		begin := time.Now()
		timer := time.NewTimer(1000 * unit)
		active := timer.Reset(2 * unit)
		return say(active, units((<-timer.C).Sub(begin)))
	}},
	{"Reset of a stopped timer arms it", "time TestResetResult", func() string {
		timer := time.NewTimer(unit)
		timer.Stop()
		active := timer.Reset(unit)
		return say(active, arrives(timer.C))
	}},
	{"Reset of a timer that was received arms it", "time TestResetResult", func() string {
		timer := time.NewTimer(unit)
		<-timer.C
		active := timer.Reset(unit)
		return say(active, arrives(timer.C))
	}},
	{"Reset of an expired, unread timer", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		return say(timer.Reset(10 * unit))
	}},
	{"Reset of an expired, unread timer: the stale value can be read", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Reset(10 * unit)
		return say(ready(timer.C))
	}},
	{"Reset of an expired, unread timer: values in all", "time TestChan", func() string {
		timer := time.NewTimer(unit)
		pass(2)
		timer.Reset(unit)
		pass(2)
		return say(count(timer.C))
	}},
	{"Reset while a receiver waits: it gets the new time", "time TestMultiWakeupTimer", func() string {
		begin := time.Now()
		timer := time.NewTimer(2 * unit)
		got := make(chan int, 1)
		start(func() { got <- units((<-timer.C).Sub(begin)) })
		timer.Reset(4 * unit)
		return say(<-got)
	}},
	{"two receivers of one timer: one gets the value", "time TestMultiWakeupTimer", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-timer.C; got <- true }()
		}
		pass(4)
		return say(count(got))
	}},
	{"two receivers of one timer: Reset wakes the second", "time TestMultiWakeupTimer", func() string {
		timer := time.NewTimer(2 * unit)
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-timer.C; got <- true }()
		}
		<-got
		active := timer.Reset(unit)
		return say(active, arrives(got))
	}},
	{"a select hears a message before a timer, and the timer stays", "time TestChan", func() string {
		timer := time.NewTimer(2 * unit)
		messages := make(chan int, 1)
		messages <- 1
		select {
		case <-messages:
		case <-timer.C:
			return "the timer"
		}
		return say("the message, then the timer", arrives(timer.C))
	}},
	{"After(0) and After of less are due at once", "time TestZeroTimer", func() string {
		zero, less := arrives(time.After(0)), arrives(time.After(-unit))
		return say(zero, less)
	}},
	{"NewTimer(0): Stop after it was due", "time TestZeroTimer", func() string {
		timer := time.NewTimer(0)
		settle()
		return say(timer.Stop(), ready(timer.C))
	}},
	{"Reset(0) is due at once", "time TestZeroTimer", func() string {
		timer := time.NewTimer(10 * unit)
		active := timer.Reset(0)
		return say(active, arrives(timer.C))
	}},
	{"the largest duration never comes, and can be stopped", "time TestOverflowSleep", func() string {
		timer := time.NewTimer(math.MaxInt64)
		pass(2)
		fired := ready(timer.C)
		return say(fired, timer.Stop())
	}},
	{"the smallest duration is due at once", "time TestOverflowSleep", func() string {
		return say(arrives(time.After(math.MinInt64)))
	}},
	{"Reset to the largest duration and back", "time TestOverflowPeriodRuntimeTimer", func() string {
		timer := time.NewTimer(unit)
		there := timer.Reset(math.MaxInt64)
		pass(2)
		fired := ready(timer.C)
		back := timer.Reset(unit)
		return say(there, fired, back, arrives(timer.C))
	}},
	{"Sleep of zero or less returns at once", "time TestSleepZeroDeadlock", func() string {
		begin := time.Now()
		time.Sleep(0)
		time.Sleep(-10 * unit)
		return say(units(time.Since(begin)))
	}},
	{"Sleep takes at least as long as it says", "time TestSleep", func() string {
		begin := time.Now()
		time.Sleep(3 * unit)
		return say(time.Since(begin) >= 3*unit, units(time.Since(begin)))
	}},
	{"Stop of a timer that nobody made panics", "time TestZeroTimerStopPanics", func() string {
		var timer time.Timer
		return panics(func() { timer.Stop() })
	}},
	{"Reset of a timer that nobody made panics", "time TestZeroTimerResetPanics", func() string {
		var timer time.Timer
		return panics(func() { timer.Reset(unit) })
	}},
	{"Stop and arm by turns, while callbacks run: no callback comes after Stop said true", "time TestTimerStopStress", func() string {
		late := int32(0)
		for i := 0; i < 100; i++ {
			stopped := int32(0)
			timer := time.AfterFunc(unit, func() {
				if atomic.LoadInt32(&stopped) == 1 {
					atomic.AddInt32(&late, 1)
				}
			})
			if timer.Stop() {
				atomic.StoreInt32(&stopped, 1)
			}
		}
		pass(3)
		return say(atomic.LoadInt32(&late))
	}},

	// ---- AfterFunc

	{"AfterFunc has no channel", "time TestAfterFunc", func() string {
		return say(time.AfterFunc(unit, func() {}).C == nil)
	}},
	{"AfterFunc runs once, after its delay", "time TestAfterFunc", func() string {
		begin := time.Now()
		ran := make(chan int, 2)
		time.AfterFunc(2*unit, func() { ran <- units(time.Since(begin)) })
		pass(5)
		return say(<-ran, ready(ran))
	}},
	{"AfterFunc arms itself again and again", "time TestAfterFunc", func() string {
		begin := time.Now()
		turns, over := 0, make(chan int, 1)
		var again func()
		again = func() {
			if turns++; turns < 3 {
				time.AfterFunc(unit, again)
			} else {
				over <- units(time.Since(begin))
			}
		}
		time.AfterFunc(unit, again)
		return say(<-over)
	}},
	{"AfterFunc(0) and less run at once", "time TestIssue5745", func() string {
		ran := make(chan int, 2)
		time.AfterFunc(0, func() { ran <- 0 })
		time.AfterFunc(-unit, func() { ran <- 0 })
		zero, less := arrives(ran), arrives(ran)
		return say(zero, less)
	}},
	{"AfterFunc of the largest duration never runs, and can be stopped", "time TestOverflowSleep", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(math.MaxInt64, func() { ran <- 0 })
		pass(2)
		came := ready(ran)
		return say(came, timer.Stop())
	}},
	{"AfterFunc: Stop before it runs, then again", "time TestAfterStop", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(2*unit, func() { ran <- 0 })
		first, second := timer.Stop(), timer.Stop()
		pass(4)
		return say(first, second, ready(ran))
	}},
	{"AfterFunc: Stop after it ran", "time TestStopResult", func() string {
		ran := make(chan int, 1)
		timer := time.AfterFunc(unit, func() { ran <- 0 })
		<-ran
		return say(timer.Stop())
	}},
	{"AfterFunc: Stop in the callback", "time TestStopResult", func() string {
		var timer *time.Timer
		told := make(chan bool, 1)
		timer = time.AfterFunc(unit, func() { told <- timer.Stop() })
		return say(<-told)
	}},
	{"AfterFunc: Stop does not wait for a callback that runs", "time TestStopResult", func() string {
		begun, release := make(chan int), make(chan int)
		timer := time.AfterFunc(unit, func() { begun <- 0; <-release })
		<-begun
		stopped := timer.Stop()
		close(release)
		return say(stopped)
	}},
	{"AfterFunc: Reset before it runs", "time TestReset", func() string {
		begin := time.Now()
		ran := make(chan int, 2)
		timer := time.AfterFunc(2*unit, func() { ran <- units(time.Since(begin)) })
		active := timer.Reset(4 * unit)
		pass(7)
		return say(active, <-ran, ready(ran))
	}},
	{"AfterFunc: Reset after it ran has it run again", "time TestResetResult", func() string {
		ran := make(chan int, 2)
		timer := time.AfterFunc(unit, func() { ran <- 0 })
		<-ran
		active := timer.Reset(unit)
		return say(active, arrives(ran))
	}},
	{"AfterFunc: Reset in the callback, whose runs may overlap", "time TestResetResult", func() string {
		var timer *time.Timer
		told, running, most := make(chan bool, 2), int32(0), int32(0)
		turn := int32(0)
		timer = time.AfterFunc(unit, func() {
			if now := atomic.AddInt32(&running, 1); now > atomic.LoadInt32(&most) {
				atomic.StoreInt32(&most, now)
			}
			if atomic.AddInt32(&turn, 1) == 1 {
				told <- timer.Reset(unit)
			}
			pass(3)
			atomic.AddInt32(&running, -1)
		})
		active := <-told
		pass(6)
		return say(active, atomic.LoadInt32(&most))
	}},
	{"AfterFunc: a callback that blocks holds up no other", "time TestAfterFuncStarvation", func() string {
		ran := make(chan int, 1)
		time.AfterFunc(unit, func() { select {} })
		time.AfterFunc(2*unit, func() { ran <- 0 })
		return say(arrives(ran))
	}},

	// ---- tickers

	{"a ticker: len and cap before a tick", "time TestChan", func() string {
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		return sizes(ticker.C)
	}},
	{"a ticker: len and cap after three ticks, unread", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		pass(3.5)
		return sizes(ticker.C)
	}},
	{"a ticker ticks every period", "time TestTicker", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		a, b := units((<-ticker.C).Sub(begin)), units((<-ticker.C).Sub(begin))
		return say(a, b, units((<-ticker.C).Sub(begin)))
	}},
	{"a ticker drops what is not read", "time TestTickTimes", func() string {
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		return say(count(ticker.C))
	}},
	{"a ticker that is read late tells the time of the first tick", "time TestTickTimes", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		return say(units((<-ticker.C).Sub(begin)))
	}},
	{"a ticker keeps its phase, however late it is read", "time TestTickTimes", func() string {
		begin := time.Now()
		ticker := time.NewTicker(2 * unit)
		defer ticker.Stop()
		pass(7)
		<-ticker.C
		next := units((<-ticker.C).Sub(begin))
		return say(next, units((<-ticker.C).Sub(begin)))
	}},
	{"a stopped ticker does not tick", "time TestTicker", func() string {
		ticker := time.NewTicker(unit)
		ticker.Stop()
		pass(3)
		return say(ready(ticker.C))
	}},
	{"Stop of a ticker does not close its channel", "time TestTeardown", func() string {
		ticker := time.NewTicker(unit)
		ticker.Stop()
		ticker.Stop()
		return blocks(func() { <-ticker.C })
	}},
	{"Stop of a ticker with an unread tick: it can be read", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		pass(2.5)
		ticker.Stop()
		return say(ready(ticker.C))
	}},
	{"Reset of a ticker: the new period counts from now", "time TestTicker", func() string {
		begin := time.Now()
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		pass(1)
		ticker.Reset(2 * unit)
		first := units((<-ticker.C).Sub(begin))
		return say(first, units((<-ticker.C).Sub(begin)))
	}},
	{"Reset of a ticker with an unread tick: it can be read", "time TestChan", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		pass(2.5)
		ticker.Reset(10 * unit)
		return say(ready(ticker.C))
	}},
	{"Reset of a stopped ticker starts it", "time TestTicker", func() string {
		ticker := time.NewTicker(10 * unit)
		defer ticker.Stop()
		ticker.Stop()
		ticker.Reset(unit)
		first, second := arrives(ticker.C), arrives(ticker.C)
		return say(first, second)
	}},
	{"two receivers of one ticker: both get ticks", "time TestMultiWakeupTicker", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		got := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() { <-ticker.C; got <- true }()
		}
		first, second := arrives(got), arrives(got)
		return say(first, second)
	}},
	{"NewTicker(0) panics", "time TestNewTickerLtZeroDuration", func() string {
		return panics(func() { time.NewTicker(0) })
	}},
	{"NewTicker of less than zero panics", "time TestNewTickerLtZeroDuration", func() string {
		return panics(func() { time.NewTicker(-unit) })
	}},
	{"Reset(0) of a ticker panics", "time TestTickerResetLtZeroDuration", func() string {
		ticker := time.NewTicker(unit)
		defer ticker.Stop()
		return panics(func() { ticker.Reset(0) })
	}},
	{"Stop of a ticker that nobody made", "time TestTickerStopWithDirectInitialization", func() string {
		var ticker time.Ticker
		return panics(func() { ticker.Stop() })
	}},
	{"Reset of a ticker that nobody made panics", "time TestTickerStopWithDirectInitialization", func() string {
		var ticker time.Ticker
		return panics(func() { ticker.Reset(unit) })
	}},
	{"a ticker of the largest duration never ticks", "time TestOverflowPeriodRuntimeTimer", func() string {
		ticker := time.NewTicker(math.MaxInt64)
		defer ticker.Stop()
		pass(2)
		return say(ready(ticker.C))
	}},
	{"Tick ticks", "time TestTick", func() string {
		c := time.Tick(unit)
		first, second := arrives(c), arrives(c)
		return say(first, second)
	}},
	{"Tick of zero or less is nil", "time TestTick", func() string {
		return say(time.Tick(0) == nil, time.Tick(-unit) == nil)
	}},

	// ---- what is kept of what was dropped

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

	// ---- contexts

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

	// ---- signals

	{"Notify: the signal arrives", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGHUP)
		defer signal.Stop(c)
		raise(syscall.SIGHUP)
		return say(<-c == syscall.SIGHUP)
	}},
	{"Notify without a list: all signals arrive", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 2)
		signal.Notify(c)
		defer signal.Stop(c)
		raise(syscall.SIGHUP)
		first := <-c == syscall.SIGHUP
		raise(syscall.SIGWINCH)
		return say(first, <-c == syscall.SIGWINCH)
	}},
	{"Notify again adds to the list", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 4)
		signal.Notify(c, syscall.SIGHUP)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		raise(syscall.SIGHUP)
		raise(syscall.SIGUSR1)
		return say(count(c))
	}},
	{"a signal that was not asked for does not arrive", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGHUP)
		defer signal.Stop(c)
		raise(syscall.SIGWINCH)
		return say(ready(c))
	}},
	{"five signals into a channel of one leave one", "os/signal TestStress", func() string {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		for i := 0; i < 5; i++ {
			raise(syscall.SIGUSR1)
		}
		return say(count(c))
	}},
	{"a full channel keeps the oldest signal", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1, syscall.SIGHUP)
		defer signal.Stop(c)
		raise(syscall.SIGHUP)
		raise(syscall.SIGUSR1)
		return say(<-c == syscall.SIGHUP, ready(c))
	}},
	{"an unbuffered channel that nobody reads loses signals", "os/signal TestSignal", func() string {
		c := make(chan os.Signal)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		raise(syscall.SIGUSR1)
		return say(ready(c))
	}},
	{"an unbuffered channel whose reader waits gets them", "os/signal TestSignal", func() string {
		c, got := make(chan os.Signal), make(chan bool, 1)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		start(func() { <-c; got <- true })
		raise(syscall.SIGUSR1)
		return say(arrives(got))
	}},
	{"a channel that is registered twice gets one copy", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 4)
		signal.Notify(c, syscall.SIGUSR1)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		raise(syscall.SIGUSR1)
		return say(count(c))
	}},
	{"each of two channels gets its copy", "os/signal TestSignal", func() string {
		a, b := make(chan os.Signal, 4), make(chan os.Signal, 4)
		signal.Notify(a, syscall.SIGUSR1)
		signal.Notify(b, syscall.SIGUSR1)
		defer signal.Stop(a)
		defer signal.Stop(b)
		raise(syscall.SIGUSR1)
		return say(count(a), count(b))
	}},
	{"Notify of a nil channel panics", "os/signal TestSignal", func() string {
		return panics(func() { signal.Notify(nil, syscall.SIGUSR1) })
	}},
	{"Stop of a channel that is not registered, or nil", "os/signal TestStop", func() string {
		return panics(func() {
			signal.Stop(make(chan os.Signal))
			signal.Stop(nil)
		})
	}},
	{"Stop: what had arrived stays, no more comes", "os/signal TestStop", func() string {
		c, other := make(chan os.Signal, 4), make(chan os.Signal, 4)
		signal.Notify(c, syscall.SIGUSR1)
		signal.Notify(other, syscall.SIGUSR1)
		defer signal.Stop(other)
		raise(syscall.SIGUSR1)
		signal.Stop(c)
		raise(syscall.SIGUSR1)
		return say(count(c), count(other))
	}},
	{"Stop, then Notify again", "os/signal TestStop", func() string {
		c := make(chan os.Signal, 4)
		signal.Notify(c, syscall.SIGUSR1)
		signal.Stop(c)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		raise(syscall.SIGUSR1)
		return say(count(c))
	}},
	{"Reset takes a signal off all channels, and leaves others", "os/signal TestReset", func() string {
		a, b := make(chan os.Signal, 4), make(chan os.Signal, 4)
		signal.Notify(a, syscall.SIGWINCH, syscall.SIGUSR1)
		signal.Notify(b, syscall.SIGWINCH)
		defer signal.Stop(a)
		defer signal.Stop(b)
		signal.Reset(syscall.SIGWINCH)
		raise(syscall.SIGWINCH)
		raise(syscall.SIGUSR1)
		return say(count(a), count(b))
	}},
	{"Ignore takes a signal off all channels", "os/signal TestIgnore", func() string {
		c := make(chan os.Signal, 4)
		signal.Notify(c, syscall.SIGWINCH)
		defer signal.Stop(c)
		signal.Ignore(syscall.SIGWINCH)
		raise(syscall.SIGWINCH)
		return say(count(c), signal.Ignored(syscall.SIGWINCH))
	}},
	{"Ignored before and after Ignore, and after Notify", "os/signal TestIgnored", func() string {
		c := make(chan os.Signal, 1)
		before := signal.Ignored(syscall.SIGUSR1)
		signal.Ignore(syscall.SIGUSR1)
		after := signal.Ignored(syscall.SIGUSR1)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		return say(before, after, signal.Ignored(syscall.SIGUSR1))
	}},
	{"Notify after Ignore: the signal arrives", "os/signal TestIgnored", func() string {
		c := make(chan os.Signal, 1)
		signal.Ignore(syscall.SIGUSR1)
		signal.Notify(c, syscall.SIGUSR1)
		defer signal.Stop(c)
		raise(syscall.SIGUSR1)
		return say(ready(c))
	}},
	{"Reset after Ignore: the signal stays ignored", "os/signal TestIgnore", func() string {
		return child(func() string {
			signal.Ignore(syscall.SIGHUP)
			signal.Reset(syscall.SIGHUP)
			raise(syscall.SIGHUP)
			return say("survives", signal.Ignored(syscall.SIGHUP))
		})
	}},
	{"default action: without Notify the process dies of SIGTERM", "os/signal TestTerminalSignal", func() string {
		return child(func() string { raise(syscall.SIGTERM); return "survives" })
	}},
	{"default action: Notify holds it off", "os/signal TestStop", func() string {
		return child(func() string {
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGTERM)
			raise(syscall.SIGTERM)
			return say("survives", ready(c))
		})
	}},
	{"default action: so does a registration that nobody reads", "os/signal TestStop", func() string {
		return child(func() string {
			signal.Notify(make(chan os.Signal), syscall.SIGTERM)
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: it is back after Stop", "os/signal TestStop", func() string {
		return child(func() string {
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGTERM)
			signal.Stop(c)
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: it is back after the last Stop only", "os/signal TestStop", func() string {
		return child(func() string {
			a, b := make(chan os.Signal, 1), make(chan os.Signal, 1)
			signal.Notify(a, syscall.SIGTERM)
			signal.Notify(b, syscall.SIGTERM)
			signal.Stop(a)
			raise(syscall.SIGTERM)
			fmt.Print("survives once ")
			signal.Stop(b)
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: it is back after Reset", "os/signal TestReset", func() string {
		return child(func() string {
			signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
			signal.Reset()
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: Ignore, Notify and Stop bring it back", "os/signal TestIgnored", func() string {
		return child(func() string {
			c := make(chan os.Signal, 1)
			signal.Ignore(syscall.SIGTERM)
			signal.Notify(c, syscall.SIGTERM)
			signal.Stop(c)
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: the same three for SIGINT", "os/signal TestIgnored", func() string {
		return child(func() string {
			c := make(chan os.Signal, 1)
			signal.Ignore(syscall.SIGINT)
			signal.Notify(c, syscall.SIGINT)
			signal.Stop(c)
			raise(syscall.SIGINT)
			return "survives"
		})
	}},
	{"default action: Ignore holds it off", "os/signal TestIgnore", func() string {
		return child(func() string {
			signal.Ignore(syscall.SIGTERM)
			raise(syscall.SIGTERM)
			return "survives"
		})
	}},
	{"default action: SIGUSR1 without Notify", "os/signal TestStop", func() string {
		return child(func() string { raise(syscall.SIGUSR1); return "survives" })
	}},
	{"under nohup SIGHUP is ignored", "os/signal TestDetectNohup", func() string {
		return childUnderNohup(func() string {
			ignored := signal.Ignored(syscall.SIGHUP)
			raise(syscall.SIGHUP)
			return say(ignored, "survives")
		})
	}},
	{"under nohup Notify catches SIGHUP, and Stop has it ignored again", "os/signal TestNohup", func() string {
		return childUnderNohup(func() string {
			c := make(chan os.Signal, 4)
			signal.Notify(c, syscall.SIGHUP)
			raise(syscall.SIGHUP)
			signal.Stop(c)
			raise(syscall.SIGHUP)
			return say(count(c), "survives")
		})
	}},
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

func main() {
	only := ""
	if len(os.Args) == 3 && (os.Args[1] == "--only" || os.Args[1] == "--child") {
		only, inChild = os.Args[2], os.Args[1] == "--child"
	} else if len(os.Args) != 1 {
		fmt.Fprintln(os.Stderr, "conformance: unknown arguments; there are: --only ID")
		os.Exit(2)
	}
	for _, rule := range rules {
		if only == "" || only == rule.id {
			current = rule.id
			fmt.Printf("%s\t%s\t%s\n", rule.id, rule.probe(), rule.from)
		}
	}
}
