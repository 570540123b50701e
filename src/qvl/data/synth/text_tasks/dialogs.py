"""Conversations of several turns in which later ones depend on earlier ones.

Owns: the dialogs and their state. Does not own: how samples are put together (``turns``).

    state -> user's turn changes or asks it -> answer from the state -> next turn
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.maths.solutions import money
from qvl.data.synth.maths.word_problems import NAMES
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of

Turns = list[tuple[str, str]]

_MENU = {
    "coffee": 280, "tea": 240, "cake": 390, "sandwich": 520, "juice": 350, "soup": 480,
    "croissant": 260,
}  # fmt: skip


def _order(rng: np.random.Generator, length: int) -> Turns:
    """An order that changes, and its price."""
    order: Counter[str] = Counter()
    prices = listed([f"{thing} {money(price)}" for thing, price in _MENU.items()])
    turns: Turns = [
        (f"These are our prices: {prices}. Please note my order.", "What would you like?")
    ]
    for _ in range(length):
        form = rng.random()
        if form < 0.2 and order:
            thing = pick(rng, sorted(order))
            del order[thing]
            said = f"I changed my mind, no {thing} please."
            done = f"I took the {thing} off. {_state(order)}"
        elif form < 0.45 and order:
            total = sum(_MENU[thing] * count for thing, count in order.items())
            terms = " + ".join(f"{count} * {money(_MENU[thing])}" for thing, count in order.items())
            said, done = "What does it cost so far?", f"{terms} = {money(total)}"
        else:
            thing, count = pick(rng, tuple(_MENU)), int(rng.integers(1, 4))
            order[thing] += count
            said = pick(rng, ("{} please.", "I take {}.", "And {}.")).format(f"{count} {thing}")
            done = _state(order)
        turns.append((said, done))
    return turns


def _state(order: Counter[str]) -> str:
    if not order:
        return "Your order is empty now."
    return f"Your order: {listed([f'{count} {thing}' for thing, count in order.items()])}."


_THINGS = ("favourite colour", "home town", "dog's name", "birthday", "favourite food")
_VALUES = {
    "favourite colour": ("green", "blue", "orange", "violet"),
    "home town": ("Lima", "Oslo", "Hanoi", "Accra", "Porto"),
    "dog's name": ("Bruno", "Luna", "Pepper", "Max"),
    "birthday": ("3 May", "17 August", "29 November", "11 January"),
    "favourite food": ("soup", "noodles", "pancakes", "curry"),
}


def _memory(rng: np.random.Generator, length: int) -> Turns:
    """Things told in passing and asked for later, also after they were corrected."""
    name = pick(rng, NAMES)
    told: dict[str, str] = {}
    turns: Turns = [(f"Hello, my name is {name}.", f"Hello {name}! How can I help you?")]
    for thing in shuffled(rng, _THINGS)[:length]:
        told[thing] = pick(rng, _VALUES[thing])
        turns.append((f"My {thing} is {told[thing]}.", f"Your {thing} is {told[thing]}. Noted!"))
    if rng.random() < 0.5:
        thing = pick(rng, tuple(told))
        before = told[thing]
        told[thing] = pick(rng, [value for value in _VALUES[thing] if value != before])
        said = f"I was wrong, my {thing} is {told[thing]}, not {before}."
        turns.append((said, f"I see: {told[thing]}, not {before}."))
    thing = pick(rng, tuple(told))
    turns.append((f"What is my {thing}?", f"Your {thing} is {told[thing]}."))
    if rng.random() < 0.5:
        turns.append(("And what is my name?", f"Your name is {name}."))
    return turns


def _running_total(rng: np.random.Generator, length: int) -> Turns:
    """A number that every turn changes."""
    value = int(rng.integers(2, 30))
    turns: Turns = [(f"Start with the number {value}.", f"The number is {value}.")]
    for _ in range(length):
        by = int(rng.integers(2, 12))
        form = int(rng.integers(4))
        if form == 0:
            said, step, value = f"Add {by}.", f"{value} + {by}", value + by
        elif form == 1:
            said, step, value = f"Subtract {by}.", f"{value} - {by}", value - by
        elif form == 2 and abs(value) < 500:
            said, step, value = f"Multiply it by {by}.", f"{value} * {by}", value * by
        else:
            said, step, value = "Double it.", f"{value} * 2", 2 * value
        turns.append((said, f"{step} = {value}. The number is {value}."))
    return turns


def _guessing(rng: np.random.Generator, length: int) -> Turns:
    """The user guesses a number; the answers say which way to go."""
    top = 10 * int(rng.integers(2, 11))
    low, high = 1, top
    secret = int(rng.integers(1, top + 1))
    turns: Turns = [
        (
            f"Let's play: you think of the number {secret}, and I guess between 1 and {top} as if "
            "I did not know. Only say whether yours is larger or smaller. Ready?",
            "Ready. What is your first guess?",
        )
    ]
    for number in range(1, length + 3):
        guess = (low + high) // 2
        if guess == secret:
            tries = "try" if number == 1 else "tries"
            turns.append((f"{guess}?", f"Yes, {guess} is right, after {number} {tries}!"))
            break
        if guess < secret:
            low = guess + 1
            turns.append((f"{guess}?", "My number is larger."))
        else:
            high = guess - 1
            turns.append((f"{guess}?", "My number is smaller."))
    return turns


_DIALOGS: dict[str, Callable[[np.random.Generator, int], Turns]] = {
    "order": _order, "memory": _memory, "running total": _running_total, "guessing": _guessing,
}  # fmt: skip


def dialog_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], lengths: tuple[int, int] = (2, 5)
) -> Sample:
    """Returns a conversation of several turns.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        lengths: least and most turns between the first and the last.
    """
    kind = pick(rng, tuple(_DIALOGS))
    turns = _DIALOGS[kind](rng, int(rng.integers(lengths[0], lengths[1] + 1)))
    return sample_of(
        turns,
        task="dialog",
        generator="text_tasks.dialogs.dialog_sample",
        seed=seed,
        facts={"kinds": [kind], "answers": [answer for _, answer in turns]},
    )
