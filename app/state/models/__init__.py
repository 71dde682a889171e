"""State of the page of models: the list with its downloads, and prices."""
