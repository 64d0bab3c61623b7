"""HL7 v2: bytes from a lab or a hospital system read into messages, and answers to them."""
