package lambda

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// posted serves one event, and gives what the handler's side sent back: "path body".
func posted(t *testing.T, event string, handle Handler[int, int]) (string, error) {
	t.Helper()
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "id-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", "32503680000000")
			io.WriteString(w, event)
			return
		}
		body, _ := io.ReadAll(r.Body)
		sent = strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/") + " " + string(body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	api := runtimeAPI{root: server.URL + "/2018-06-01/runtime/invocation/"}
	err := serveOne(&api, handle)
	return sent, err
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnAnswerIsPostedAsTheResponse(t *testing.T) {
	sent, err := posted(t, "20", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	expect(t, sent, "id-1/response 21")
	if err != nil {
		t.Error(err)
	}
}

func TestAnErrorIsPostedWithItsTypeAndTheLoopGoesOn(t *testing.T) {
	failing := func(context.Context, int) (int, error) { return 0, errors.New("sold out") }
	sent, err := posted(t, "20", failing)
	expect(t, sent,
		`id-1/error {"errorMessage":"sold out","errorType":"errorString","stackTrace":[]}`)
	if err != nil {
		t.Error(err)
	}
}

func TestAnEventOfAnotherShapeIsAnError(t *testing.T) {
	sent, err := posted(t, `"text"`, func(_ context.Context, n int) (int, error) { return n, nil })
	if !strings.Contains(sent, `"errorType":"UnmarshalTypeError"`) || err != nil {
		t.Error(sent, err)
	}
}

func TestAPanicIsPostedAndEndsTheProcess(t *testing.T) {
	sent, err := posted(t, "0", func(_ context.Context, n int) (int, error) { return 1 / n, nil })
	if !strings.Contains(sent, "panic: runtime error: integer divide by zero") || err == nil {
		t.Error(sent, err)
	}
}
