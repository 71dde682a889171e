"""The product under faults: its processes, an independent witness of effects, and the promises
checked from the database and from that witness. Used by tests/fault and by `make chaos`."""
