"""Training data in the forms of others: every fault is named, what is written is read back."""
