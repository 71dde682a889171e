"""Reactive state: reads the actor, calls one use case, assigns vars."""
