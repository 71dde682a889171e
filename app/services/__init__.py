"""Use cases: permission, load, decide, write, audit. What UI, API, worker and command line call."""
