"""Graphs as frozen values, and what is wrong with them."""
