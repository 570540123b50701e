"""Judging a model: any ``TextGenerator`` in, scores out."""
