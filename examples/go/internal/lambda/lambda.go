// Package lambda is the loop of a Lambda function on an OS-only runtime, on the standard library
// alone: fetch an event from the runtime API, call the handler, send back what it gave.
package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"time"
)

// Handler answers one event.
type Handler[In, Out any] func(ctx context.Context, event In) (Out, error)

// Serve calls handle for one event after the other; it ends the process when the runtime API
// can't be reached, and after a panic, whose effects on the next event nobody knows.
func Serve[In, Out any](handle Handler[In, Out]) {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		exit("AWS_LAMBDA_RUNTIME_API is not set: this program is a Lambda handler")
	}
	api := runtimeAPI{root: "http://" + address + "/2018-06-01/runtime/invocation/"}
	for {
		if err := serveOne(&api, handle); err != nil {
			exit(err.Error())
		}
	}
}

// serveOne returns an error only where the process must not go on.
func serveOne[In, Out any](api *runtimeAPI, handle Handler[In, Out]) error {
	next, err := api.next()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), next.deadline)
	defer cancel()

	answer, failure, panicked := call(ctx, handle, next.event)
	if failure == nil {
		return api.post(next.id+"/response", answer)
	}
	if err := api.postError(next.id, failure); err != nil {
		return err
	}
	if panicked {
		return failure
	}
	return nil
}

// call decodes the event, runs the handler and encodes its answer.
func call[In, Out any](
	ctx context.Context, handle Handler[In, Out], event []byte,
) (answer []byte, failure error, panicked bool) {
	defer func() {
		if cause := recover(); cause != nil {
			failure, panicked = fmt.Errorf("panic: %v", cause), true
		}
	}()
	var input In
	if err := json.Unmarshal(event, &input); err != nil {
		return nil, err, false
	}
	output, err := handle(ctx, input)
	if err != nil {
		return nil, err, false
	}
	answer, err = json.Marshal(output)
	return answer, err, false
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
}

type runtimeAPI struct {
	// No timeout: a call for the next event waits for as long as none comes.
	client http.Client
	root   string
}

func (api *runtimeAPI) next() (invocation, error) {
	response, err := api.client.Get(api.root + "next")
	if err != nil {
		return invocation{}, err
	}
	event, err := read(response, http.StatusOK)
	if err != nil {
		return invocation{}, err
	}
	milliseconds, err := strconv.ParseInt(
		response.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return invocation{}, err
	}
	return invocation{
		id:       response.Header.Get("Lambda-Runtime-Aws-Request-Id"),
		event:    event,
		deadline: time.UnixMilli(milliseconds),
	}, nil
}

func (api *runtimeAPI) post(path string, body []byte) error {
	response, err := api.client.Post(api.root+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = read(response, http.StatusAccepted)
	return err
}

func (api *runtimeAPI) postError(id string, failure error) error {
	body, err := json.Marshal(map[string]any{
		"errorType":    errorType(failure),
		"errorMessage": failure.Error(),
		"stackTrace":   []string{},
	})
	if err != nil {
		return err
	}
	return api.post(id+"/error", body)
}

// errorType is the name of the error's Go type, without its package.
func errorType(failure error) string {
	kind := reflect.TypeOf(failure)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Name()
}

// read empties and closes the body, so that the connection is used again.
func read(response *http.Response, wanted int) ([]byte, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != wanted {
		return nil, fmt.Errorf("the runtime API answered %s: %s", response.Status, body)
	}
	return body, nil
}

func exit(reason string) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
