"""Start, watch, answer, cancel and execute runs."""
