package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// All that is timed is a multiple of this; a machine that is late by less than half of it does no harm.
const unit = 50 * time.Millisecond

// What a rule is, and the helpers that the rules of all topics share; rules.h has C++'s.
type rule struct {
	id    string
	from  string // the test of Go's, or the article, that it is drawn from
	probe func() string
}

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

// What body returns in a child process, or what killed it.
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
	verdict, said := ended(body)
	for _, line := range strings.Split(said, "\n") {
		if strings.HasPrefix(line, "goroutine 1 ") {
			return say(verdict, strings.TrimSuffix(line, ":"))
		}
	}
	return verdict
}

// What it says of one that breaks a rule where Go ends the program, and a panic cannot be caught.
func fatal(body func()) string {
	verdict, _ := ended(body)
	return verdict
}

// How a process that consists of body ended, in one line, and all that the run-time said.
func ended(body func()) (verdict, said string) {
	if inChild {
		body()
		os.Exit(0)
	}
	var output bytes.Buffer
	process := exec.Command(os.Args[0], "--child", current)
	process.Stderr = &output
	if process.Run() == nil {
		return "ends", ""
	}
	said = output.String()
	return strings.TrimPrefix(strings.SplitN(said, "\n", 2)[0], "fatal error: "), said
}
