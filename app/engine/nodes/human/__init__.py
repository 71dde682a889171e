"""Node types of the category human."""
