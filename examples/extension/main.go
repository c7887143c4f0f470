// An extension: registers under its file's name, and says what it is told.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension"
	request, err := http.NewRequest("POST", base+"/register", strings.NewReader(`{"events":["INVOKE","SHUTDOWN"]}`))
	fail(err)
	name := filepath.Base(os.Args[0])
	request.Header.Set("Lambda-Extension-Name", name)
	answer, err := http.DefaultClient.Do(request)
	fail(err)
	answer.Body.Close()
	fmt.Printf("extension %s: registered, status %d, on %s, %s\n", name, answer.StatusCode, runtime.GOARCH, os.Args[0])
	identity := answer.Header.Get("Lambda-Extension-Identifier")
	for {
		request, err := http.NewRequest("GET", base+"/event/next", nil)
		fail(err)
		request.Header.Set("Lambda-Extension-Identifier", identity)
		answer, err := http.DefaultClient.Do(request)
		fail(err)
		var event struct{ EventType string }
		fail(json.NewDecoder(answer.Body).Decode(&event))
		answer.Body.Close()
		fmt.Printf("extension %s: %s\n", name, event.EventType)
		if event.EventType == "SHUTDOWN" {
			return
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "extension:", err)
		os.Exit(1)
	}
}
