"""Node types of the category transform."""
