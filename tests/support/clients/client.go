// Go's own HTTP client: go run client.go LISTEN ADMIN URL-OF-A-PUBLISH BODY
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"time"
)

func send(what string, request *http.Request) {
	isReused := false
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { isReused = info.Reused }}
	answer, err := http.DefaultClient.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		fmt.Println(what, err)
		os.Exit(1)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	_, err = time.Parse(http.TimeFormat, answer.Header.Get("Date"))
	fmt.Println(what, answer.StatusCode, "reused:", isReused, "date:", err == nil)
}

func request(method, url string, body io.Reader) *http.Request {
	made, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	return made
}

func main() {
	listen, admin, publish, body := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	send("up", request("GET", "http://"+listen+"/up", nil))
	send("head", request("HEAD", "http://"+listen+"/up", nil))
	send("options", request("OPTIONS", "http://"+listen+"/", nil))
	send("ready", request("HEAD", "http://"+admin+"/ready", nil))
	send("publish", request("POST", publish, strings.NewReader(body)))
	expecting := request("POST", publish, strings.NewReader(body))
	expecting.Header.Set("Expect", "100-continue")
	send("expecting", expecting)
	send("chunked", request("POST", publish, io.MultiReader(strings.NewReader(body[:5]), strings.NewReader(body[5:]))))
}
