"""The {{ }} language: parse, check, evaluate; pure and bounded."""
