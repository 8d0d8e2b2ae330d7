// What arming and stopping costs in Go, and a whole turn of the looping select, on its own clock and with its garbage collector, on
// one processor. It takes the flags of Google Benchmark that scripts/bench uses, and writes its JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const delay = time.Hour

type result struct {
	Name  string  `json:"name"`
	Time  float64 `json:"real_time"`
	Unit  string  `json:"time_unit"`
	Bytes float64 `json:"bytes,omitempty"`
}

var (
	results []result
	wanted  func(name string) bool
	least   time.Duration
	random  = uint64(1)
)

// measure repeats an operation for long enough; it is told how often at a time.
func measure(name string, operations func(count int)) {
	if !wanted(name) {
		return
	}
	for count := 1000; ; count *= 4 {
		began := time.Now()
		operations(count)
		if took := time.Since(began); took >= least {
			results = append(results, result{Name: name, Time: float64(took.Nanoseconds()) / float64(count), Unit: "ns"})
			return
		}
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // of what the first one's finalizers and pools let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

func pick(count int) int {
	random = random*6364136223846793005 + 1442695040888963407
	return int(random >> 32 * uint64(count) >> 32)
}

func benchmark(peer string, live int) {
	name := func(operation string) string { return fmt.Sprintf("%s/%s/%d", operation, peer, live) }
	if !wanted(name("Bytes")) && !wanted(name("ArmStop")) && !wanted(name("ArmStopFunc")) && !wanted(name("Churn")) {
		return // arming millions for nothing
	}
	before := heap()
	timers := make([]*time.Timer, live)
	for i := range timers {
		timers[i] = time.NewTimer(delay)
	}
	if wanted(name("Bytes")) {
		results = append(results, result{Name: name("Bytes"), Time: 1, Unit: "ns", Bytes: (heap() - before) / float64(live)})
	}
	measure(name("ArmStop"), func(count int) {
		for i := 0; i < count; i++ {
			time.NewTimer(delay).Stop()
		}
	})
	measure(name("ArmStopFunc"), func(count int) {
		for i := 0; i < count; i++ {
			time.AfterFunc(delay, func() {}).Stop()
		}
	})
	measure(name("Churn"), func(count int) {
		for i := 0; i < count; i++ {
			timer := timers[pick(live)]
			timer.Stop()
			timer.Reset(delay)
		}
	})
	for _, timer := range timers {
		timer.Stop()
	}
}

// The delays of the loop, short enough to wait until what its turns left has expired, and longer than the turns take.
const poll, giveUp = 100 * time.Millisecond, 150 * time.Millisecond

var received int

func leakyTurns(messages chan string, turns int) {
	for i := 0; i < turns; i++ {
		messages <- "hello"
		select {
		case <-messages:
			received++
		case <-time.After(poll): // the machine stood still for that long, and select chose this
			<-messages
		case <-time.After(giveUp):
			<-messages
		}
	}
}

func fixedTurns(messages chan string, turns int) {
	ctx, cancel := context.WithTimeout(context.Background(), delay)
	defer cancel()
	ticker := time.NewTicker(delay)
	defer ticker.Stop()
	for i := 0; i < turns; i++ {
		messages <- "hello"
		select {
		case <-messages:
			received++
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// As turns.h measures it: so few turns at a time that about as many timers live meanwhile, or 2,000: with less, what the processor
// has forgotten while nothing ran would be most of it. The first batch is not counted, and before the next one all that the last
// one left has expired. Few batches, because that takes real time.
func leaky(name string, live int) {
	if !wanted(name) {
		return
	}
	for i := 0; i < live; i++ {
		time.After(delay)
	}
	messages := make(chan string, 1)
	turns, batches, took := live/20, 3, time.Duration(0)
	if turns < 2000 {
		turns = 2000
	}
	for batch := 0; batch <= batches; batch++ {
		began := time.Now()
		leakyTurns(messages, turns)
		if batch > 0 {
			took += time.Since(began)
		}
		time.Sleep(giveUp + 50*time.Millisecond)
	}
	results = append(results, result{Name: name, Time: float64(took.Nanoseconds()) / float64(turns*batches), Unit: "ns"})
}

func main() {
	peer := strings.Join(strings.SplitN(runtime.Version(), ".", 3)[:2], ".")
	filter := flag.String("benchmark_filter", "", "a regular expression; after a minus sign, what not")
	seconds := flag.Float64("benchmark_min_time", 0.1, "seconds of each benchmark")
	flag.String("benchmark_format", "json", "as Google Benchmark; it is always json")
	flag.Parse()
	pattern := regexp.MustCompile(strings.TrimPrefix(*filter, "-"))
	not := strings.HasPrefix(*filter, "-")
	wanted = func(name string) bool { return pattern.MatchString(name) != not }
	least = time.Duration(*seconds * float64(time.Second))
	runtime.GOMAXPROCS(1)

	measure("After/"+peer+"/0", func(count int) {
		for i := 0; i < count; i++ {
			time.After(30 * time.Second)
		}
	})
	messages := make(chan string, 1)
	measure("FixedTurn/"+peer+"/2", func(count int) { fixedTurns(messages, count) })
	for _, live := range []int{1000, 100000, 1000000, 10000000} {
		benchmark(peer, live)
	}
	for _, live := range []int{1000, 100000, 1000000} { // last and in this order: nobody can stop what one leaves
		leaky(fmt.Sprintf("LeakyTurn/%s/%d", peer, live), live)
	}
	if len(results) > 0 {
		json.NewEncoder(os.Stdout).Encode(map[string]any{"benchmarks": results})
	}
}
