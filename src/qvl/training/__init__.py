"""One trainer for every stage. Does not know inference."""
