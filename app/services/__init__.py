"""Use cases: check permission, load, decide, write, audit. Called by UI, API, worker and command line."""
