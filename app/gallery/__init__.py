"""The gallery of components, for developers: every component with fixed values."""
