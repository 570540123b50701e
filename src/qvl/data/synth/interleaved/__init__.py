"""Interleaved documents drawn with known qualities and known defects; see `articles`."""
