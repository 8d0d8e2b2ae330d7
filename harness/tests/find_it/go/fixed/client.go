package client

import "time"

func Ask(answers <-chan string) string {
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	select {
	case answer := <-answers:
		return answer
	case <-limit.C:
		return "too late"
	}
}
