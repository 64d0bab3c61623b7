"""The console: what the laboratory, a ward and the switchboard see of Wardline in a browser, and may do."""
