"""The loss on samples that are not trained on.

Owns: going through their packs on all ranks. Does not own: the loss (``objectives``), which samples
these are (``recipes``), when it is asked for (``trainer``).

    stage over held-out samples -> each rank its packs -> loss of each -> means over all of them
"""

import torch

from qvl.training.loader import load_pack, packs_of_rank
from qvl.training.metrics import Meter
from qvl.training.parallel.prepare import PackLoss
from qvl.training.parallel.ranks import Ranks
from qvl.training.stages import Stage


@torch.no_grad()
def validate(loss: PackLoss, stage: Stage, ranks: Ranks, *, bf16: bool = False) -> dict[str, float]:
    """Returns the mean loss and the metrics of the objective over all packs of a stage's source.

    Every rank has to call it; each goes through as many packs as the others. Samples that cannot be
    read are left out and counted.

    Args:
        loss: computes losses of the model as it is spread over the ranks.
        stage: what is trained, with the samples held out as its source; the first count of its
            objective is what the loss is a mean over.
        ranks: their groups.
        bf16: whether training computes in bfloat16.
    """
    was_training = loss.training
    loss.eval()
    meter = Meter()
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
            if loaded.failures:
                meter.events("bad_samples", len(loaded.failures))
    loss.train(was_training)
    found = meter.summary(1.0)
    return {name: value for name, value in found.items() if not name.endswith("_per_s")}
