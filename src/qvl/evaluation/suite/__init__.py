"""Held-out pictures and films of our own suite, beside those that the generators of data draw."""
