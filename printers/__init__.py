"""What paper gets: slips, their layout and bytes, printer models, status words, the virtual printer."""
