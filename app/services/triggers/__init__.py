"""Triggers: what starts workflows by itself. The first type is the schedule."""
