"""Node types of the category trigger."""
