"""What paper gets: slips to lines to bytes, printer models, status words, the virtual printer."""
