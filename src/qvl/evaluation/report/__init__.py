"""Pages about a run: numbers beside the published ones, slices, and every failure to look at."""
