"""Which models there are, and getting the local one."""
