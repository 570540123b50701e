"""Pictures of things with names, and facts about them."""
