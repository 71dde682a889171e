"""The checks of a graph, by what they look at. `validate.check` runs them all."""
