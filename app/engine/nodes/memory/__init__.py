"""Node types of the category memory."""
