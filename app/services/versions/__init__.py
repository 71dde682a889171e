"""Versions of workflows: immutable snapshots that runs execute."""
