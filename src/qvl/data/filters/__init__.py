"""Rules and scores by which samples are kept; each is a function for `qvl.data.steps`."""
