package main

import (
	"os"
	"os/signal"
	"sort"
	"sync"
	"syscall"
	"time"

	"afterleak/fixed"
	"afterleak/leaky"
	"afterleak/pairs"
)

// stage is a pattern at work. The twin of harness/pairs/pairs.cc.
type stage struct {
	leaky bool
	poll  time.Duration
	give  time.Duration // also the length of a session, and of the quiet that is an idle moment
	load  workload
	start time.Time

	mutex  sync.Mutex
	turns  []time.Duration    // when the pattern went round: a message or poll handled, a call or session ended
	turned chan time.Duration // the same, for a sampler that waits for it
}

func (s *stage) turn() {
	now := time.Since(s.start)
	s.mutex.Lock()
	s.turns = append(s.turns, now)
	s.mutex.Unlock()
	select {
	case s.turned <- now:
	default:
	}
}

// turnsUntil counts.
func (s *stage) turnsUntil(instant time.Duration) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return sort.Search(len(s.turns), func(i int) bool { return s.turns[i] > instant })
}

// lastTurn tells when it was, or 0.
func (s *stage) lastTurn() int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.turns) == 0 {
		return 0
	}
	return int64(s.turns[len(s.turns)-1])
}

func (s *stage) times() pairs.LoopTimes { return pairs.LoopTimes{Poll: s.poll, GiveUp: s.give} }

func (s *stage) loopingSelect() {
	function := fixed.LoopingSelect
	if s.leaky {
		function = leaky.LoopingSelect
	}
	messages := make(chan string, 1)
	go s.load.schedule(s.start, func() { messages <- "hello" })
	function(messages, s.times(), pairs.Work{Handle: func(string) { s.turn() }, Poll: s.turn})
}

// One call for each message; or a number of calls at once.
func (s *stage) earlyReturn() {
	function := fixed.EarlyReturn
	if s.leaky {
		function = leaky.EarlyReturn
	}
	messages := make(chan string, 1)
	calls := make(chan struct{}, 1)
	call := func() {
		messages <- "hello"
		calls <- struct{}{}
	}
	go s.load.schedule(s.start, call)
	for range calls {
		function(messages, s.times())
		s.turn()
	}
}

func (s *stage) idleTimeout() {
	function := fixed.IdleTimeout
	if s.leaky {
		function = leaky.IdleTimeout
	}
	messages := make(chan string, 1)
	go s.load.schedule(s.start, func() { messages <- "hello" })
	function(messages, s.give, pairs.Work{Handle: func(string) { s.turn() }, Poll: s.turn})
}

// A host that runs one session after the other; only one when the workload is a single signal.
func (s *stage) sessions(session func()) {
	// Real signals. The host's own registration keeps it alive when one comes between two sessions; it is not counted.
	survive := make(chan os.Signal, 1)
	signal.Notify(survive, syscall.SIGTERM)
	go s.load.schedule(s.start, func() { syscall.Kill(os.Getpid(), syscall.SIGTERM) })
	for {
		session()
		s.turn()
		if s.load.once {
			return
		}
	}
}

func (s *stage) signalBeforeExpiry() {
	function := fixed.SignalBeforeExpiry
	if s.leaky {
		function = leaky.SignalBeforeExpiry
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	s.sessions(func() { function(signals, s.give) })
}

func (s *stage) signalRegistration() {
	function := fixed.SignalRegistration
	if s.leaky {
		function = leaky.SignalRegistration
	}
	s.sessions(func() { function(s.give) })
}
