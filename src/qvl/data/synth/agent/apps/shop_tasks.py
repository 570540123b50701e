"""What can be done and asked in the shop.

Owns: the tasks with their steps, the questions with their answers. Does not own: the page
(``shop``).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import Intent, Question, Task, click, enter


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """Something that the shop sells; the hue is that of its picture."""

    name: str
    kind: str
    price: float
    stars: float
    hue: float


def tasks(
    rng: np.random.Generator,
    fresh: Sequence[Product],
    products: Sequence[Product],
    kinds: Sequence[str],
    loved: Sequence[str],
) -> tuple[Task, ...]:
    """Things to do in the shop, each with its steps and the state it ends in."""
    wanted = content.one(rng, fresh)
    kind = content.one(rng, kinds)
    of_kind = [p for p in products if p.kind == kind]
    cheapest = min(products, key=lambda p: p.price)
    cheap = min(of_kind, key=lambda p: p.price)
    word = wanted.name.split()[0].lower()
    label = content.CATEGORIES[kind]
    person, street, city = (
        content.people(rng, 1)[0], content.street(rng), content.one(rng, content.CITIES),
    )  # fmt: skip
    look = (
        enter(
            "search", word,
            f"I have to find {wanted.name}, so I type its name into the search field.",
        ),
        Intent(
            deed="keys", text="enter", why="The words are in the field; Enter starts the search.",
        ),
    )  # fmt: skip
    put = click(
        f"add:{wanted.name}", f"{wanted.name} is among the results. I put it into the cart."
    )
    order = (
        click("open-cart", "It is in the cart now, so I open the cart."),
        click("checkout", "The cart shows the article. Next comes the checkout."),
        enter("name", person, "A dialog asks for the address. I begin with the name."),
        enter("street", street, "Now the street."),
        enter("city", city, "The city is still missing."),
        click("order", "Everything is filled in, so I place the order."),
    )
    tasks = [
        Task(
            goal=f"Search for {word} and add {wanted.name} to the cart.", plan=(*look, put),
            ends={"cart": [wanted.name], "goods.query": word},
        ),
        Task(
            goal=f"Put the cheapest article of the category {label} into the cart.",
            plan=(
                click(f"group:{kind}", f"Only {label} matters, so I choose that category first."),
                click(
                    f"add:{cheap.name}",
                    f"Of these, {cheap.name} has the lowest price. I add it.",
                ),
            ),
            ends={"cart": [cheap.name], "goods.group": kind},
        ),
        Task(
            goal="Sort the products by price, cheapest first, and add the cheapest to the cart.",
            plan=(
                click("sort", "The order of the products is chosen with the Sort button."),
                click("sort:cheap", "The menu is open; low to high is what is asked for."),
                click(
                    f"add:{cheapest.name}",
                    f"{cheapest.name} is first now, so it is the cheapest. I add it.",
                ),
            ),
            ends={"cart": [cheapest.name], "goods.order": "number up"},
        ),
        Task(
            goal=f"Buy {wanted.name}. Deliver it to {person}, {street}, {city}.",
            plan=(
                click(f"add:{wanted.name}", f"First {wanted.name} has to go into the cart."),
                *order,
            ),
            ends={
                "cart": [], "ordered": True,
                "orders": [
                    {
                        "draft.name": person, "draft.street": street, "draft.city": city,
                        "cart": [wanted.name],
                    },
                ],
            },
        ),
        Task(
            goal=f"Put {wanted.name} on the wish list.",
            plan=(
                click(
                    f"love:{wanted.name}",
                    f"The heart next to {wanted.name} puts it on the wish list.",
                ),
            ),
            ends={"loved": [*loved, wanted.name]},
        ),
    ]  # fmt: skip
    return (*tasks, _filter_task(rng))


def _filter_task(rng: np.random.Generator) -> Task:
    limit = int(rng.integers(3, 16)) * 10
    return Task(
        goal=f"Show only products that cost at most {limit}.",
        plan=(
            click("filters", "A limit of the price is a filter, so I open the filters."),
            Intent(
                deed="slide",
                on="most",
                value=limit,
                why=f"The slider is at 200; I drag it to {limit}.",
            ),
            click("filter:done", "The limit is set. I close the dialog to see the results."),
        ),
        ends={"goods.most": limit},
    )


def price_of(product: Product, money: str) -> str:
    """A price as the shop writes it."""
    return f"{money}{product.price:.2f}"


def questions(
    products: Sequence[Product], money: str, loved: Sequence[str]
) -> tuple[Question, ...]:
    """What the front page answers."""
    found = [
        Question(
            ask=f"How much does the {p.name} cost?", answer=price_of(p, money),
            seen=(f"name:{p.name}", f"price:{p.name}"),
        )
        for p in products
    ]  # fmt: skip
    found += [
        Question(
            ask=f"How many stars does {p.name} have?", answer=f"{p.stars:.1f}",
            seen=(f"name:{p.name}", f"stars:{p.name}"),
        )
        for p in products
    ]  # fmt: skip
    for a, b in itertools.pairwise(products):
        if a.price != b.price:
            cheap = min(a, b, key=lambda p: p.price)
            found.append(
                Question(
                    ask=f"Which is cheaper, {a.name} or {b.name}?",
                    answer=cheap.name,
                    seen=(f"price:{a.name}", f"price:{b.name}", f"name:{a.name}", f"name:{b.name}"),
                )
            )
    found.append(
        Question(ask="How many articles are in the cart?", answer="0", seen=("cart-count",))
    )
    return tuple(found)
