"""Questions about scenes and about several pictures."""
