"""Create, edit, check and delete workflows."""
