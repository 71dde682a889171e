"""The gallery of ready workflows."""
