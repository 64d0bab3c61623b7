"""The demo: a hospital on one machine, played with real processes."""
