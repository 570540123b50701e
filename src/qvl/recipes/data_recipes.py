"""Complete data runs: where samples come from and the steps they take.

Owns: the built-in recipes by name. Does not own: generators, steps, running them (``data``).

    name -> recipe() -> (source, steps) -> data.local.run_local

A recipe may take arguments with types; ``qvl data run NAME --set argument=value`` gives them.
"""

from collections.abc import Callable, Sequence
from functools import partial

from qvl.data.filters.rules import answers_between, boxes_at_least, places_inside, points_somewhere
from qvl.data.mixture import Mixture
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.recipes.data_agent import screen_grounding, screens, trajectories
from qvl.recipes.data_charts import charts, diagrams
from qvl.recipes.data_curation import interleaved, rejection
from qvl.recipes.data_documents import documents
from qvl.recipes.data_grounding import (
    annotated,
    copy_paste,
    grounding_scenes,
    pseudo_label,
    referring,
)
from qvl.recipes.data_ocr import ocr_documents, ocr_multilingual, ocr_wild
from qvl.recipes.data_preferences import preferences
from qvl.recipes.data_sft import knowledge, maths, sft, text, vqa
from qvl.recipes.data_tables import tables, tables_found
from qvl.recipes.data_video import video, video_long

Recipe = Callable[..., tuple[Source, Sequence[Step]]]

GROUNDING_SAMPLES = 100_000
"""An epoch of the tiny recipe's longest stage draws about as many."""


def grounding(*, count: int = GROUNDING_SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Boxes, points and clicks on drawn shapes and screens; none too small, too long or outside.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"shapes": (0.6, shapes_sample), "screen": (0.4, screen_sample)})
    steps = [
        filter_step("points somewhere", points_somewhere),
        filter_step("inside", places_inside),
        # A side of a patch and a half: below, the tower sees less than one whole patch of it.
        filter_step("large enough", partial(boxes_at_least, side_px=21)),
        filter_step("answer length", partial(answers_between, least=1, most=400)),
    ]
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


DATA_RECIPES: dict[str, Recipe] = {
    "annotated": annotated,
    "charts": charts,
    "copy_paste": copy_paste,
    "diagrams": diagrams,
    "documents": documents,
    "grounding": grounding,
    "grounding_scenes": grounding_scenes,
    "interleaved": interleaved,
    "knowledge": knowledge,
    "maths": maths,
    "ocr_documents": ocr_documents,
    "ocr_multilingual": ocr_multilingual,
    "ocr_wild": ocr_wild,
    "preferences": preferences,
    "pseudo_label": pseudo_label,
    "referring": referring,
    "rejection": rejection,
    "screen_grounding": screen_grounding,
    "screens": screens,
    "sft": sft,
    "tables": tables,
    "tables_found": tables_found,
    "text": text,
    "trajectories": trajectories,
    "video": video,
    "video_long": video_long,
    "vqa": vqa,
}
