"""Training data: records, synthesis, packing. Only ``collate`` knows tensors."""
