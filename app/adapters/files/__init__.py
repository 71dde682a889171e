"""Files in the data directory."""
