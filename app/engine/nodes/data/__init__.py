"""Node types of the category data."""
