package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var signalRules = []rule{
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
	{"Notify of numbers that do not exist, and of SIGKILL", "os/signal TestSignal", func() string {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.Signal(-1), syscall.Signal(65), syscall.Signal(1000), syscall.SIGKILL)
		signal.Ignore(syscall.Signal(65))
		signal.Reset(syscall.Signal(65))
		signal.Stop(c)
		return say(len(c), signal.Ignored(syscall.Signal(65)))
	}},
	{"Notify without a list takes SIGABRT", "os/signal TestSignal", func() string {
		return child(func() string {
			c := make(chan os.Signal, 4)
			signal.Notify(c)
			raise(syscall.SIGABRT)
			return say(count(c))
		})
	}},
}
