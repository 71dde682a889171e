"""Node types of the category flow."""
