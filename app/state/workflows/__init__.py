"""State of pages of workflows: the list, and the editor."""
