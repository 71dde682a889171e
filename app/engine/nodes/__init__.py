"""Node types, one file each, found by walking these folders."""
