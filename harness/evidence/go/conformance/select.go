package main

import (
	"strings"
	"sync"
	"sync/atomic"
)

var selectRules = []rule{
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
}
