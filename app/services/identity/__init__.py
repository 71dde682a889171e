"""Register, sign in and out."""
