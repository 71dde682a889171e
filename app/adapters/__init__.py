"""The outside world: database, Redis, models, network, disk."""
