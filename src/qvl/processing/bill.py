"""What a conversation costs in tokens, known before anything is decoded.

Owns: the counts. Does not own what they cost in time and memory (inference/plan).
"""

from dataclasses import dataclass

from qvl.processing.media import MediaPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Exact token counts of a prompt.

    Attributes:
        items: images and videos in order of appearance.
        text_tokens: all tokens that are not pads of an item: text, markers and template.
        answer_tokens: those of them that training predicts.
        next_position: M-RoPE id of the first token of the answer.
    """

    items: tuple[MediaPlan, ...]
    text_tokens: int
    answer_tokens: int
    next_position: int

    @property
    def media_tokens(self) -> int:
        """Pad tokens of all items."""
        return sum(item.num_tokens for item in self.items)

    @property
    def total(self) -> int:
        """Tokens of the prompt."""
        return self.text_tokens + self.media_tokens

    @property
    def num_patches(self) -> int:
        """Rows of ``pixel_values`` that the vision tower reads."""
        return sum(item.num_patches for item in self.items)
