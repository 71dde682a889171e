"""Workspaces, their members and projects."""
