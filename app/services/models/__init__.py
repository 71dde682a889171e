"""Available models, and downloading the local one."""
