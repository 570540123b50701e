"""What a training run will need, before it starts: bytes, operations, days, and how to cut it."""
