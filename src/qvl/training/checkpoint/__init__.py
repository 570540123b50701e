"""Saving a run so that it goes on bit for bit where it stopped, whatever stopped it.

Owns: what a checkpoint holds (``state``, ``rng``), the folders (``folder``), writing beside
training (``writer``), finding and reading (``reader``), and a checkpoint as a published model
(``published``). Does not own: when to save (``trainer``), the bytes of tensors
(torch.distributed.checkpoint).

    TrainState, Position -> copy in main memory -> step-N.part/ -> hashes -> step-N/
    step-N/ -> hashes compared -> Saved -> load_state -> TrainState
"""
