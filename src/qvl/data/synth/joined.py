"""Long conversations: many pictures, each with its questions, and at the end one about the past.

Owns: putting drawn samples in a row, the question that looks back. Does not own: the samples (the
other generators of ``synth``).

    several drawn Samples -> turns in a row -> "Repeat your answer about image 3" -> Sample
"""

import numpy as np

from qvl.data.mixture import Mixture
from qvl.data.places import answer_text
from qvl.data.records import Provenance, Sample
from qvl.errors import ConfigError
from qvl.messages import Conversation, Image, Message, Text


def joined_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    base: Mixture,
    least: int = 8,
    most: int = 16,
) -> Sample:
    """Returns a conversation about many pictures in turn, whose last answer repeats one given long
    before.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        base: generators of conversations that begin with one picture.
        least: fewest pictures.
        most: most pictures.

    Raises:
        ConfigError: fewer than two pictures are wanted.
    """
    if not 2 <= least <= most:
        raise ConfigError(f"{least} to {most} pictures wanted, expected at least 2")
    parts = [base.sample(*seed, number) for number in range(int(rng.integers(least, most + 1)))]
    messages = [turn for part in parts for turn in part.conversation.messages]
    # The later half would be near by.
    number = int(rng.integers(1, len(parts) // 2 + 1))
    answer = answer_text(parts[number - 1].conversation.messages[1])
    messages.append(Message("user", (Text(f"Repeat your first answer about image {number}."),)))
    messages.append(Message("assistant", (Text(answer),)))
    return Sample(
        task="many pictures",
        conversation=Conversation(tuple(messages)),
        provenance=Provenance(generator="joined.joined_sample", seed=seed),
        facts={"pictures": sum(isinstance(p, Image) for m in messages for p in m.content)},
    )
