"""Text <-> structure, one file per kind of answer: ``format`` writes what ``parse`` reads."""
