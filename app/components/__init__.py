"""Views that know no state."""
