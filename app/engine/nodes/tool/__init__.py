"""Node types of the category tool."""
