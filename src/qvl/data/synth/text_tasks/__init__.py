"""Tasks of text alone, with answers that are right by construction."""
