"""What Wardline's speed is measured with: everything side by side in one run, nothing asserted."""
