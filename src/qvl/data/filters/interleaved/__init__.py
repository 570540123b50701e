"""Which interleaved documents are worth learning from: cleaning, then the report's four scores."""
