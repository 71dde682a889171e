"""The right side of the editor: forms from JSON Schema, expressions, values of the last run."""
