"""Runs the queue."""
