"""Runs whose process died: noticing it, and what was given up."""
