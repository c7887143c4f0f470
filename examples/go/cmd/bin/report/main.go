// report sums up the amounts of a CSV text, by region.
package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"shim.example/handlers/internal/lambda"
)

type request struct {
	// Rows of region and amount in cents, below one row of headings.
	CSV string `json:"csv"`
}

type summary struct {
	Rows  int              `json:"rows"`
	Cents map[string]int64 `json:"cents"`
}

func report(ctx context.Context, event request) (summary, error) {
	lines := csv.NewReader(strings.NewReader(event.CSV))
	lines.FieldsPerRecord = 2
	rows, err := lines.ReadAll()
	if err != nil {
		return summary{}, err
	}
	sums := summary{Cents: map[string]int64{}}
	for _, row := range rows[min(1, len(rows)):] {
		if ctx.Err() != nil {
			return summary{}, fmt.Errorf("after %d rows: %w", sums.Rows, ctx.Err())
		}
		cents, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return summary{}, err
		}
		sums.Rows++
		sums.Cents[row[0]] += cents
	}
	return sums, nil
}

func main() {
	lambda.Serve(report)
}
