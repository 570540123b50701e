"""The language model of a model is a text model that transformers reads, with the same logits."""

from pathlib import Path

import torch
from transformers import Qwen2ForCausalLM

from qvl.checkpoint.export import export_model
from qvl.checkpoint.text_export import export_language_model
from qvl.model.segments import Segments
from tests.training.small import small_inputs, small_model


def test_transformers_reads_it_as_a_text_model(tmp_path: Path) -> None:
    model = small_model(seed=5)
    (tmp_path / "inputs").mkdir()
    export_model(model, tmp_path / "whole", files_from=small_inputs(tmp_path / "inputs"))
    export_language_model(tmp_path / "whole", tmp_path / "text")
    theirs = Qwen2ForCausalLM.from_pretrained(tmp_path / "text", dtype=torch.float32)
    ids = torch.arange(7, 27)
    positions = torch.arange(20).expand(3, -1)
    with torch.no_grad():
        nothing = model.encode_media(torch.zeros(0, 1176), ())
        hidden = model.hidden_states(ids, positions, segments=Segments((20,)), media_embeds=nothing)
        ours = model.logits(hidden)
        expected = theirs(ids[None]).logits[0]
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)
    assert not (tmp_path / "text.part").exists()
