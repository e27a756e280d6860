"""The heuristic half: exact route times, construction and improvement."""
