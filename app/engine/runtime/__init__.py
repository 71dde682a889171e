"""Compiles graphs to plans and runs them. Alone imports langgraph."""
