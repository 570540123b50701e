"""The stages of the report as data: what each trains, on how long packs, on which data.

Owns: what the report says. Does not own: rates, steps and batch sizes, which it does not publish;
they belong to a run.

    name -> ReportStage -> rates of the parts that it trains, packs of its length -> Stage
"""

from dataclasses import dataclass

from qvl.training.stages import Part


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportStage:
    """One stage of the report.

    Attributes:
        name: the report's.
        trains: parts whose weights change; the others are frozen.
        max_tokens: length of a pack.
        data: what it is trained on, in words.
    """

    name: str
    trains: tuple[Part, ...]
    max_tokens: int
    data: str


_ALL: tuple[Part, ...] = ("tower", "merger", "llm")
# The tower is frozen in post-training. Source: Qwen2.5-VL report, 2.3.
_FROZEN_TOWER: tuple[Part, ...] = ("merger", "llm")

STAGES: dict[str, ReportStage] = {
    stage.name: stage
    for stage in (
        # Table 2 says "ViT"; a merger that stays random could hand nothing on, so it trains too.
        ReportStage(
            name="vision_pretrain",
            trains=("tower", "merger"),
            max_tokens=8192,
            data="captions of pictures, knowledge, text in pictures",
        ),
        ReportStage(
            name="multimodal_pretrain",
            trains=_ALL,
            max_tokens=8192,
            data="also text, interleaved documents, questions, videos, grounding, agents",
        ),
        ReportStage(
            name="long_context_pretrain",
            trains=_ALL,
            max_tokens=32768,
            data="also long videos, long runs of agents, long documents",
        ),
        # No length is given for post-training; 8192 is that of the official fine-tuning scripts.
        ReportStage(
            name="sft",
            trains=_FROZEN_TOWER,
            max_tokens=8192,
            data="conversations in ChatML, half of them text alone; answers are trained on",
        ),
        ReportStage(
            name="dpo",
            trains=_FROZEN_TOWER,
            max_tokens=8192,
            data="pairs of answers to pictures and to text, each seen once",
        ),
    )
}
"""Source: Qwen2.5-VL report (arXiv 2502.13923), Table 2 and sections 2.2.2 and 2.3."""
