"""Generation: from prepared inputs to text, for many unlike requests at once.

    engine   -> takes conversations, returns results; the loop
    scheduler, sequence, kv_cache -> which tokens of which request run next; no torch
    runner   -> numpy becomes tensors, the model runs, tokens come back
    sampling -> logits to the next token; pure functions

This file imports nothing, so that the parts without torch stay without it.
"""
