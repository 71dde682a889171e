"""What pages have in common, bound to state: the frame around each, and the body of those that show a list."""
