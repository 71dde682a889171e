"""Runs over HTTP, their large values, and the dead letters among them."""
