"""Making a run, and deciding where it is executed."""
