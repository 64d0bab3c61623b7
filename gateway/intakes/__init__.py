"""The ways in, one room each; every one answers its sender only once the inbox has the message on disk."""
