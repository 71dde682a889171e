"""Node types of the category ai."""
