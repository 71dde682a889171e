"""What steps wait for without a person: times, signals, and the ends of runs they started."""
