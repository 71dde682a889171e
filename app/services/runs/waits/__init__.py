"""What steps wait for without a person: times, signals, and the ends of runs they started."""

from app.services.runs.waits.deliveries import (
    Delivered,
    age,
    came_since,
    cancel_waits,
    close,
    delivered,
    move_along,
    open_signal,
    record_of,
    something_came,
)

__all__ = [
    "Delivered",
    "age",
    "came_since",
    "cancel_waits",
    "close",
    "delivered",
    "move_along",
    "open_signal",
    "record_of",
    "something_came",
]
