"""Journeys through the product in a browser."""
