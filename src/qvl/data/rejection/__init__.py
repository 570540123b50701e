"""Chains of thought by sampling many answers and keeping the few that hold; see `sampling`."""
