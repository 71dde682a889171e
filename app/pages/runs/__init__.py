"""Pages of runs: the list, the trace of one, dead letters."""
