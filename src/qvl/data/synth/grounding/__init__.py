"""Pictures of named things with questions about where they are."""
