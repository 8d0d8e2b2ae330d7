// The idle loop of leaky/looping_select.go on real Go and its clock. It writes two heap profiles: after the first turn, and after
// the last. What is in the second and not in the first has been leaked in between.
//
//	GODEBUG=asynctimerchan=0 idle_loop 3s 10 FIRST LAST
//
// That takes the pattern's 30 seconds; with less than 3s it makes as many turns sooner.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"
)

const giveUp = 30 * time.Second

func loop(messages <-chan string, poll time.Duration, turn func() (more bool)) {
	for {
		select {
		case <-messages:
		case <-time.After(poll):
			if !turn() {
				return
			}
		case <-time.After(giveUp):
			return
		}
	}
}

func writeProfile(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	runtime.GC() // a profile is as of the last collection
	return pprof.WriteHeapProfile(file)
}

func fail(problem any) {
	fmt.Fprintln(os.Stderr, "idle_loop:", problem)
	os.Exit(2)
}

func main() {
	runtime.MemProfileRate = 1 // every allocation, not one in 512 kB
	if len(os.Args) != 5 {
		fail("it takes how long to wait in a turn, such as 3s, the number of turns, and the files of the two profiles")
	}
	poll, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fail(err)
	}
	turns, err := strconv.Atoi(os.Args[2])
	if err != nil || turns < 2 {
		fail("the number of turns is 2 or more, such as 10")
	}
	profiles := map[int]string{1: os.Args[3], turns: os.Args[4]}
	made := 0
	loop(make(chan string), poll, func() bool {
		made++
		if path, wanted := profiles[made]; wanted {
			if err := writeProfile(path); err != nil {
				fail(err)
			}
		}
		return made < turns
	})
	if made < turns {
		fail(fmt.Sprintf("it gave up after %d turns", made))
	}
}
