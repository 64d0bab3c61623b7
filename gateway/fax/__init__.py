"""Fax by the hospital's own Asterisk: what is sent and how it ended, what is received and how it is read."""
