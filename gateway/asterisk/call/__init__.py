"""Calls that Wardline places: what is known of each, and what became of it."""
