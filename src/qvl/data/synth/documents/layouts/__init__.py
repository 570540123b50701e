"""Layouts: what kinds of documents there are and what stands where on them."""
