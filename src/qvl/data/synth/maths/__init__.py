"""Exercises in text and in drawn figures, with exact step by step solutions."""
