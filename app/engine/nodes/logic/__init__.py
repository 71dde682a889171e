"""Node types of the category logic."""
