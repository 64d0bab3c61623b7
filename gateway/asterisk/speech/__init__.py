"""How a message sounds: words from a lexicon the lab can edit, audio from recordings or an engine."""
