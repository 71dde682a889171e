"""Triggers: what starts workflows automatically. The first type is the schedule."""
