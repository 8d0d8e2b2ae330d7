// What Go does, rule by rule. The .cc file beside each .go file asks our library the same, in the same
// order and words.
//
// Each rule is drawn from what one of Go's tests asserts, or from what an article claims, and names it;
// the code is ours. A line of output is a rule, its outcome and that source, with tabs between them. What
// stays blocked is left behind: the process is short-lived.
//
//	conformance                all rules
//	conformance --only ID      one of them
//	conformance --child ID     what that rule does in its child process
package main

import (
	"fmt"
	"os"
)

// In the order of the output.
var topics = [][]rule{
	channelRules,
	closedChannelRules,
	selectRules,
	deadlockRules,
	timerRules,
	afterFuncRules,
	tickerRules,
	keptRules,
	contextRules,
	causeRules,
	signalRules,
	notifyContextRules,
	lockRules,
	waitRules,
	claimRules,
}

// The outcome where a Go is older than what the rule is about.
const notYet = "not in this Go"

func (r rule) outcome() (outcome string) {
	defer func() {
		if reason := recover(); reason == notYet {
			outcome = notYet
		} else if reason != nil {
			panic(reason)
		}
	}()
	return r.probe()
}

func main() {
	only := ""
	if len(os.Args) == 3 && (os.Args[1] == "--only" || os.Args[1] == "--child") {
		only, inChild = os.Args[2], os.Args[1] == "--child"
	} else if len(os.Args) != 1 {
		fmt.Fprintln(os.Stderr, "conformance: unknown arguments; there are: --only ID")
		os.Exit(2)
	}
	for _, topic := range topics {
		for _, rule := range topic {
			if only == "" || only == rule.id {
				current = rule.id
				fmt.Printf("%s\t%s\t%s\n", rule.id, rule.outcome(), rule.from)
			}
		}
	}
}
