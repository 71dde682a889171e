"""What moves a run once it is stored: executing it, pausing, cancelling and ending it."""
