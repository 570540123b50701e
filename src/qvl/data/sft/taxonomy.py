"""What questions are about: 8 domains with 30 categories.

Owns: the names, their definitions, an example of each. Does not own: deciding (``tagging``,
``classifier``).

The report gives the numbers 8 and 30, two domains (Coding, Planning) and the four categories of
Coding; the other names are ours, after the kinds of data that its sections 2.3.1 and 2.3.2 list.
Source: report section 2.3.2 (Qwen2-VL-Instag).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """One kind of question.

    Attributes:
        domain: it belongs to.
        definition: what the user wants, in one clause.
        example: a question of this kind.
    """

    domain: str
    definition: str
    example: str


UNTAGGED = "Untagged"
"""Stands for domain and category of a question that could not be told."""


def _domain(domain: str, **categories: tuple[str, str]) -> dict[str, Category]:
    return {
        name: Category(domain=domain, definition=definition, example=example)
        for name, (definition, example) in categories.items()
    }


CATEGORIES: dict[str, Category] = {
    **_domain(
        "Coding",
        Code_Debugging=("a fault in code found or mended", "Why does this loop never end?"),
        Code_Generation=("code written from a description", "Write a function that sorts names."),
        Code_Translation=(
            "code rewritten in another language, or a picture turned into code",
            "Rewrite this Python function in JavaScript.",
        ),
        Code_Understanding=("code explained, or its output told", "What does this print?"),
    ),
    **_domain(
        "Planning",
        Task_Planning=("steps or a schedule towards a goal", "Plan a weekend in Rome."),
        Screen_Operation=("an action on a screen in a picture", "Open the settings and mute it."),
        Tool_Calling=("a given function called with arguments", "What is the weather in Oslo?"),
    ),
    **_domain(
        "Mathematics",
        Arithmetic=("numbers worked out, in words or as a formula", "What is 17 * 24?"),
        Algebra=("unknowns, equations, sequences, functions", "Solve 3x + 5 = 20."),
        Geometry=("lengths, angles, areas of figures", "How long is side AB in the figure?"),
        Statistics=("averages, chances, counting of cases", "What is the median of 3, 8, 9?"),
    ),
    **_domain(
        "Document_Reading",
        Text_Recognition=("text in a picture read out", "Read all the text in the image."),
        Document_Parsing=("a page turned into HTML or Markdown", "QwenVL HTML"),
        Chart_Understanding=("a chart or diagram read", "Which year has the tallest bar?"),
        Table_Understanding=("a table read", "Which row has the highest total?"),
        Information_Extraction=(
            "named fields taken from a text or picture",
            "Give date and total.",
        ),
    ),
    **_domain(
        "Grounding",
        Box_Location=("boxes around things in a picture", "Locate every cup as boxes in JSON."),
        Point_Location=("points on things in a picture", "Point to the handle of the door."),
        Counting=("how many there are in a picture", "How many birds are in the image?"),
    ),
    **_domain(
        "Visual_Understanding",
        Captioning=("a picture described", "Describe this image in detail."),
        Visual_Question=("one thing about a picture", "Is the car left of the tree?"),
        Image_Comparison=("several pictures compared", "What differs between the two images?"),
        Video_Understanding=("what happens in a video, or when", "When does he open the door?"),
    ),
    **_domain(
        "Knowledge_Reasoning",
        Factual_Knowledge=("a fact about the world", "What is the capital of Peru?"),
        Science=("nature, medicine or technology explained", "Why is the sky blue?"),
        Logic=("a puzzle of statements or orders", "Ann is older than Bo. Who is the youngest?"),
    ),
    **_domain(
        "Language",
        Writing=("a new text of a given kind", "Write a short poem about rain."),
        Summarising=("a text shortened or put in other words", "Summarise this report."),
        Translation=("a text in another language", "Translate this into French."),
        Safety=("something harmful, to be declined or handled with care", "How are locks picked?"),
    ),
}
"""Name -> category. The domain of a category follows from its name."""

DOMAINS = tuple(dict.fromkeys(category.domain for category in CATEGORIES.values()))


def domain_of(category: str) -> str:
    """The domain of a category; `UNTAGGED` of that."""
    return UNTAGGED if category == UNTAGGED else CATEGORIES[category].domain
