"""What callers can do, as straight-line programs: each is a story that needs no telephone to be told."""
