"""The loss on samples that are not trained on.

Owns: going through their packs on all ranks. Does not own: the loss (``objectives``), which samples
these are (``recipes``), when it is asked for (``trainer``).

    stage over held-out samples -> each rank its packs -> loss of each -> means over all of them
"""

import torch

from qvl.errors import DataError
from qvl.training.loader import load_pack, packs_of_rank
from qvl.training.metrics import Meter
from qvl.training.parallel.prepare import PackLoss
from qvl.training.parallel.ranks import Ranks
from qvl.training.stages import Stage


@torch.no_grad()
def validate(loss: PackLoss, stage: Stage, ranks: Ranks, *, bf16: bool = False) -> dict[str, float]:
    """Returns the mean loss and the metrics of the objective over all packs of a stage's source.

    Every rank has to call it; each goes through as many packs as the others. Samples that cannot be
    used are left out and counted as "bad_samples"; of a pack that cannot be made, all of them.

    Args:
        loss: computes losses of the model as it is spread over the ranks.
        stage: what is trained, with the samples held out as its source; the first count of its
            objective is what the loss is a mean over.
        ranks: their groups.
        bf16: whether training computes in bfloat16.

    Raises:
        DataError: none of the samples can be used; every rank raises it.
    """
    was_training = loss.training
    loss.eval()
    meter = Meter()
    reasons: list[str] = []
    packs = packs_of_rank(stage, rank=ranks.data_rank, world=ranks.num_data_ranks)
    for step in range(stage.num_steps):
        for pack in packs:
            loaded = load_pack(stage, step, pack)
            batch = loaded.batch.to(ranks.device)
            counts = stage.objective.counts(batch).cpu()
            with torch.autocast(ranks.device.type, torch.bfloat16, enabled=bf16):
                mean = loss(stage.objective, batch, counts, meter)
            if counts[0] > 0:  # a rank without work goes along, and has nothing to say
                meter.ratio("loss", mean * float(counts[0]), float(counts[0]))
            reasons += (f"{sample}: {why}" for sample, why in loaded.failures)
            meter.events("bad_samples", len(loaded.failures))
            meter.events("too_large_samples", loaded.num_too_large)
            if loaded.error is not None:
                reasons.append(loaded.error.message)
                # Where no sample of it was made, there was at least one.
                meter.events("bad_samples", max(1, len(loaded.samples)))
    loss.train(was_training)
    found = meter.summary(1.0)
    if "loss" not in found and "bad_samples" in found:
        first = next(reason for of_rank in ranks.gather(reasons[:1]) for reason in of_rank)
        raise DataError(
            f"no sample of {stage.name} can be used any more; the first: {first}",
            hint="mend the files, and the same command goes on",
        )
    return {name: value for name, value in found.items() if not name.endswith("_per_s")}
