"""The tests, a package so that they share one table of operations and one set of references."""
