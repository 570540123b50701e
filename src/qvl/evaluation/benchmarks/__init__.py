"""One file a family of benchmarks: its questions as the data has them, its rule, its numbers."""
