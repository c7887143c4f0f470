// orders prices an order and refuses one that can't be right.
package main

import (
	"context"
	"fmt"
	"os"

	"shim.example/handlers/internal/lambda"
)

type item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	Cents    int64  `json:"cents"`
}

type order struct {
	ID    string `json:"id"`
	Items []item `json:"items"`
}

type receipt struct {
	ID         string `json:"id"`
	Pieces     int    `json:"pieces"`
	TotalCents int64  `json:"total_cents"`
}

// OrderInvalid is what the caller sees as the error's type.
type OrderInvalid struct {
	id, reason string
}

func (e OrderInvalid) Error() string {
	return fmt.Sprintf("order %q: %s", e.id, e.reason)
}

func price(_ context.Context, o order) (receipt, error) {
	if len(o.Items) == 0 {
		return receipt{}, OrderInvalid{o.ID, "no items"}
	}
	bill := receipt{ID: o.ID}
	for _, item := range o.Items {
		if item.Quantity < 1 || item.Cents < 0 {
			return receipt{}, OrderInvalid{o.ID, "quantity or price of " + item.SKU}
		}
		bill.Pieces += item.Quantity
		bill.TotalCents += int64(item.Quantity) * item.Cents
	}
	fmt.Fprintf(os.Stderr, "order %s: %d pieces\n", bill.ID, bill.Pieces)
	return bill, nil
}

func main() {
	lambda.Serve(price)
}
