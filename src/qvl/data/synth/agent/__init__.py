"""Screens and what is done on them: pages that work, questions, clicks, whole tasks."""
