"""Which pending run a worker executes next, and taking it."""
