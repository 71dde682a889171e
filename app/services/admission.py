"""How many runs a process executes itself for waiting callers, beside all its other work."""

import asyncio

QUICK_AT_ONCE = 2
"""Quick runs executed at once in this process. They only use its processor: more would all end later."""

MAX_WAITING = 64
"""Quick runs that may wait for one of these slots; more go to the workers."""

LIGHT_AT_ONCE = 128
"""Runs without effects on this process's time that are executed here while a caller waits for them."""


class Admission:
    """Counts the runs that callers wait for."""

    def __init__(self) -> None:
        self.quick_slots = asyncio.Semaphore(QUICK_AT_ONCE)
        self.quick_waiting = 0
        self.light_slots = LIGHT_AT_ONCE
        self.inline_runs = 0
        """Runs that callers wait for and that this process sees to."""
