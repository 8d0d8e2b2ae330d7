package main

import "sync"

var channelRules = []rule{
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
	{"a capacity above 32 bits, where values need no room", "runtime TestChan", func() string {
		c := make(chan struct{}, 1<<32)
		select {
		case c <- struct{}{}:
		default:
		}
		return say(cap(c) == 1<<32, len(c))
	}},
	{"an impossible capacity panics", "runtime TestChan", func() string {
		huge := 1 << 62
		return panics(func() { _ = make(chan int, huge) })
	}},
}
