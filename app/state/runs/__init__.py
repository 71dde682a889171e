"""State of pages of runs: the list, one that is followed live, its trace, dead letters."""
