"""Speaking IPP to a printer: the connection, the questions, and one document followed to its end."""
