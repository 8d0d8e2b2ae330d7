package main

var closedChannelRules = []rule{
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
}
