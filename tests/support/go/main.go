// The official Go SDK, driven by lines of JSON: one request on each line of the standard input, one answer on each of the output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/pusher/pusher-http-go/v5"
)

type command struct {
	Do       string            `json:"do"`
	Channels []string          `json:"channels"`
	Channel  string            `json:"channel"`
	Event    string            `json:"event"`
	Data     json.RawMessage   `json:"data"`
	Prefix   string            `json:"prefix"`
	Info     string            `json:"info"`
	User     string            `json:"user"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
}

func text(s string) *string { return &s }

func run(client *pusher.Client, c command) (any, error) {
	switch c.Do {
	case "trigger":
		return nil, client.TriggerMulti(c.Channels, c.Event, c.Data)
	case "batch":
		var events []pusher.Event
		for _, channel := range c.Channels {
			events = append(events, pusher.Event{Channel: channel, Name: c.Event, Data: c.Data, Info: text("subscription_count")})
		}
		return client.TriggerBatch(events)
	case "channels":
		return client.Channels(pusher.ChannelsParams{FilterByPrefix: &c.Prefix, Info: &c.Info})
	case "channel":
		return client.Channel(c.Channel, pusher.ChannelParams{Info: &c.Info})
	case "users":
		return client.GetChannelUsers(c.Channel)
	case "send":
		return nil, client.SendToUser(c.User, c.Event, c.Data)
	case "webhook":
		headers := http.Header{}
		for name, value := range c.Headers {
			headers.Set(name, value)
		}
		return client.Webhook(headers, []byte(c.Body))
	}
	return nil, fmt.Errorf("this SDK has nothing for %s", c.Do)
}

func main() {
	client := &pusher.Client{Host: os.Args[1], AppID: os.Args[2], Key: os.Args[3], Secret: os.Args[4]}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c command
		answer := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			answer["error"] = err.Error()
		} else if value, err := run(client, c); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["value"] = value
		}
		out, _ := json.Marshal(answer)
		fmt.Println(string(out))
	}
}
