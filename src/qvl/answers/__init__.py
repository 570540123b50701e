"""Asks a model and reads what it wrote as typed results in the caller's own coordinates."""
