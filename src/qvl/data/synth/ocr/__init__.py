"""Pictures of text in twelve languages, on pages and in the wild, with every word's place."""
