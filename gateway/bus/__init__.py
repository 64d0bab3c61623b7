"""Message buses: what is the same for all of them, and one room for each that is known."""
