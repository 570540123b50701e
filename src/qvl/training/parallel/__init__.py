"""One machine to many: how a model, a pack and gradients are spread over ranks.

The model stays single-device code; everything about ranks is put on it from here, in place:

    Layout -> Ranks (groups of processes) -> prepare(model): layers cut over tensor ranks, blocks
    checkpointed and compiled, weights sharded; the tower, the tokens and the rows of the head
    shared by the ranks of a pack

One rule holds everywhere: what is minimised is the sum of the losses of all ranks. Ranks that work
on one pack each return its whole loss, divided by totals that count the pack once for each of
them, so that every gradient is a plain sum and every exchange is differentiated by its adjoint.
"""
