"""Pages of workflows: the list, and the editor."""
