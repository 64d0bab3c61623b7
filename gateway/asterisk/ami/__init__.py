"""The line on which Asterisk is told what to do and tells what happens: the Asterisk Manager Interface."""
