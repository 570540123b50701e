"""The command line: one file per command, listed in ``main``. The only part that prints."""
