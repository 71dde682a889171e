"""Reading runs: lists, steps, traces, events, and following one live."""
