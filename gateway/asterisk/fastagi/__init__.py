"""The line on which Asterisk asks what a caller shall hear, one connection to a call: FastAGI."""
