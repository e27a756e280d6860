"""The OR-Tools half: routing as an engine, and the choice over the routes met."""
