// Driver runs one side of a pattern on real Go, on the real clock, and prints what its heap holds, as JSON lines: first
// what it runs on, then one line for each sample. parity.py builds and reads it; by hand:
//
//	GODEBUG=asynctimerchan=0 driver -pattern looping_select -side leaky -workload busy:100/s -for 6s -every 100ms -offset 5ms
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// workload is read from idle, message@0s (one event at that instant; signal@1s), busy:100/s (100 events a second; the
// first one after the first interval), as the program afterleak reads it; and calls:1000, which makes 1000 calls at once.
type workload struct {
	once     bool
	at       time.Duration
	interval time.Duration
	calls    int
}

func parseWorkload(text string) (w workload, err error) {
	var rate int64
	var instant string
	if text == "idle" {
		return w, nil
	}
	if n, _ := fmt.Sscanf(text, "busy:%d/s", &rate); n == 1 && rate > 0 {
		w.interval = time.Second / time.Duration(rate)
		return w, nil
	}
	if n, _ := fmt.Sscanf(text, "calls:%d", &w.calls); n == 1 && w.calls > 0 {
		return w, nil
	}
	if n, _ := fmt.Sscanf(text, "signal@%s", &instant); n == 1 {
		w.once = true
		w.at, err = time.ParseDuration(instant)
		return w, err
	}
	return w, fmt.Errorf("unknown workload %q; one of: idle, signal@1s, busy:100/s, calls:1000", text)
}

// schedule has the event happen at instants that are fixed beforehand, so that a late one does not delay those after it.
func (w workload) schedule(start time.Time, event func()) {
	switch {
	case w.calls > 0:
		for i := 0; i < w.calls; i++ {
			event()
		}
	case w.once:
		time.Sleep(time.Until(start.Add(w.at)))
		event()
	case w.interval > 0:
		for n := 1; ; n++ {
			time.Sleep(time.Until(start.Add(time.Duration(n) * w.interval)))
			event()
		}
	}
}

type header struct {
	Go            string `json:"go"`
	Godebug       string `json:"godebug"`
	AsyncChannels bool   `json:"async_channels"` // found out, not asked for: a timer's channel has a buffer
	Processors    int    `json:"processors"`
}

type sample struct {
	T     int64 `json:"t_ns"` // when the count holds, after the start
	Took  int64 `json:"took_ns"`
	Turns int   `json:"turns"` // that the pattern had made when the sample began
	More  int   `json:"more"`  // turns while the garbage was collected: such a count belongs to no one turn
	Edges []int `json:"edges"` // turns that the pattern had made by one poll, and by one give-up, before the count
	Last  int64 `json:"last_turn_ns"`
	Live  int64 `json:"live"`
	counts
}

func fail(message interface{}) {
	fmt.Fprintln(os.Stderr, "driver:", message)
	os.Exit(2)
}

func main() {
	runtime.MemProfileRate = 1 // before anything that is counted is allocated
	pattern := flag.String("pattern", "", "looping_select, early_return, idle_timeout, signal_before_expiry or signal_registration")
	side := flag.String("side", "leaky", "leaky or fixed")
	load := flag.String("workload", "idle", "idle, signal@1s, busy:100/s, calls:1000")
	length := flag.Duration("for", 6*time.Second, "how long")
	every := flag.Duration("every", 100*time.Millisecond, "the time between two samples")
	offset := flag.Duration("offset", 50*time.Millisecond, "the time of the first one")
	anchored := flag.Bool("anchored", false, "take a sample -offset after each turn, not on a schedule")
	poll := flag.Duration("poll", 300*time.Millisecond, "the articles' 3 seconds")
	give := flag.Duration("give-up", 3*time.Second, "the articles' 30 seconds")
	flag.Parse()

	w, err := parseWorkload(*load)
	if err != nil {
		fail(err)
	}
	if *side != "leaky" && *side != "fixed" {
		fail("-side takes leaky or fixed")
	}
	out := json.NewEncoder(os.Stdout)
	out.Encode(header{runtime.Version(), os.Getenv("GODEBUG"), cap(time.NewTimer(0).C) == 1, runtime.GOMAXPROCS(0)})
	takeCensus() // the first one is slow

	s := &stage{leaky: *side == "leaky", poll: *poll, give: *give, load: w, turned: make(chan time.Duration, 1000), start: time.Now()}
	run, ok := map[string]func(){
		"looping_select":       s.loopingSelect,
		"early_return":         s.earlyReturn,
		"idle_timeout":         s.idleTimeout,
		"signal_before_expiry": s.signalBeforeExpiry,
		"signal_registration":  s.signalRegistration,
	}[*pattern]
	if !ok {
		fail("-pattern takes looping_select, early_return, idle_timeout, signal_before_expiry or signal_registration")
	}
	go run()

	var samples []sample // printed at the end: writing takes time
	for n := int64(0); ; n++ {
		due := *offset + time.Duration(n)**every
		if due > *length {
			break
		}
		if *anchored && n > 0 {
			select {
			case turned := <-s.turned:
				due = turned + *offset
			case <-time.After(2 * *every): // the pattern turns no more: let that be seen
			}
		}
		// An earlier collection leaves little to do for the one that counts.
		time.Sleep(time.Until(s.start.Add(due - *every/2)))
		runtime.GC()
		time.Sleep(time.Until(s.start.Add(due)))
		began := time.Since(s.start)
		c, instant := takeCensus()
		collected := instant.Sub(s.start)
		turns := s.turnsUntil(began)
		samples = append(samples, sample{
			T: int64(collected), Took: int64(collected - began),
			Turns: turns, More: s.turnsUntil(collected) - turns,
			Edges: []int{s.turnsUntil(collected - *poll), s.turnsUntil(collected - *give)}, Last: s.lastTurn(),
			Live: c.live(), counts: c,
		})
	}
	for i := range samples {
		out.Encode(samples[i])
	}
}
