"""Samples that say the same: equal ones, nearly equal ones, and those of evaluation sets."""
