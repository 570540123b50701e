"""Generators of pictures with exact labels, each a pure function of a random generator."""
