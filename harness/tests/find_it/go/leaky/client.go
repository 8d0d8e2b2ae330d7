package client

import "time"

func Ask(answers <-chan string) string {
	select {
	case answer := <-answers:
		return answer
	case <-time.After(30 * time.Second):
		return "too late"
	}
}
