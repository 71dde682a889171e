"""Redis, or what stands in for it inside one process: live events and the queue of runs."""
