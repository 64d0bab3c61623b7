"""The schema's history, one file a version: run in order, never changed once released."""
