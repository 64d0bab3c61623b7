"""A telephone in software, for the demo and the tests: it rings, is answered, hears, and presses keys."""
