"""A model behind an OpenAI-style chat server, as a `TextGenerator`; see `client.Endpoint`."""
