"""The main messaging platform: whether it is up, and what it is owed after an outage."""
