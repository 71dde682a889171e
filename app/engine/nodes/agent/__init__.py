"""Node types of the category agent."""
