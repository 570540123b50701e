"""The applications: each module returns apps of a few kinds as `App` records."""
