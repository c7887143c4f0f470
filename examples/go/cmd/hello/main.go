// hello greets, and says where it runs.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"shim.example/handlers/internal/lambda"
)

type request struct {
	Name string `json:"name"`
}

type answer struct {
	Message string `json:"message"`
	Handler string `json:"handler"`
	GOARCH  string `json:"goarch"`
}

func hello(_ context.Context, event request) (answer, error) {
	name := event.Name
	if name == "" {
		name = "world"
	}
	return answer{
		Message: fmt.Sprintf("Hello, %s!", name),
		Handler: os.Getenv("_HANDLER"),
		GOARCH:  runtime.GOARCH,
	}, nil
}

func main() {
	lambda.Serve(hello)
}
