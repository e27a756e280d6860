"""Benchmarks: each prints a table whose rows were made in one run on one machine."""
