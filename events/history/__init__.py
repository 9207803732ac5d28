"""Years of made-up history, written straight into the tables, to see how the product does with it."""
