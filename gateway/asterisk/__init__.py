"""The hospital's Asterisk: its link (AMI), what callers hear (FastAGI), calls, and what it runs."""
