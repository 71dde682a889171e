"""Pages of templates: the list, and each one."""
