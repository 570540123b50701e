"""Benchmarks that live in a device or a machine of their own, driven over its own interface."""
