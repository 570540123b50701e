"""A shop: products to search, filter, sort and buy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact
from qvl.data.synth.agent.apps.shop_tasks import Product, price_of, questions, tasks
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    bottom_bar,
    button,
    dialog,
    field,
    heading,
    icon_button,
    menu,
    menu_entry,
    search,
    slider,
    tile,
)


def shop(rng: np.random.Generator, device: Device) -> App:
    """Returns a shop with products of a few categories."""
    kinds = content.some(rng, tuple(content.PRODUCTS), 4)
    products = [
        Product(
            name=name, kind=kind, price=content.price(rng),
            stars=float(rng.integers(30, 51)) / 10, hue=float(rng.random()),
        )
        for kind in kinds
        for name in content.some(rng, content.PRODUCTS[kind], int(rng.integers(2, 5)))
    ]  # fmt: skip
    products = [products[int(i)] for i in rng.permutation(len(products))]
    name = content.app_name(rng, "shop")
    money = content.one(rng, ("$", "€", "£"))
    body = join(
        _front(name, products, kinds, device, money), _cart(products, money), _layers(device)
    )
    loved = [products[int(rng.integers(len(products)))].name]
    state = _state(loved)
    to_do = tasks(rng, [p for p in products if p.name not in loved], products, kinds, loved)
    labels = ", ".join(content.CATEGORIES[kind] for kind in kinds)
    return App(
        name=name, kind="shop", icon="cart", body=body, state=state,
        about=f"The front page of an online shop called {name} with products for sale",
        facts=(
            Fact(
                text=f"A row of chips filters by category: {labels}.",
                seen=tuple(f"group:{k}" for k in kinds),
            ),
            *(
                Fact(
                    text=f"{p.name} costs {price_of(p, money)}.",
                    seen=(f"name:{p.name}", f"price:{p.name}"),
                )
                for p in products[:4]
            ),
        ),
        questions=questions(products, money, loved), tasks=to_do,
        looks=(
            ("filters",), ("sort",), ("open-cart",), (f"add:{products[0].name}", "open-cart"),
            (f"group:{kinds[0]}",),
        ),
    )  # fmt: skip


def _front(
    name: str, products: Sequence[Product], kinds: Sequence[str], device: Device, money: str
) -> Html:
    find = [["copy", "draft.query", "goods.query"]]
    cart = icon_button(
        "open-cart", "cart", "Cart", [["show", "cart"]], use="open the shopping cart"
    )
    count = tag("span", data_text="cart", class_="badge", data_e="cart-count")
    bar = heading(
        icon_button("nav", "menu", "Menu", [["say", "Menu"]], use="open the menu")
        if device.is_mobile else None,
        tag("span", name, class_="title", data_e="brand"),
        None if device.is_mobile
        else search(
            "search", "Search products", key="draft.query", do=find, use="search for products",
        ),
        tag("span", class_="grow"), cart, count,
    )  # fmt: skip
    goods = div(
        "grow scroll pad",
        div(
            "grid", _cards(products, device, money), data_list="goods",
            style="--cell:150px" if device.is_mobile else "--cell:190px",
        ),
        tag("p", "Nothing fits.", class_="none muted", hidden=True),
    )  # fmt: skip
    find_bar = (
        div(
            "pad fixed",
            search(
                "search", "Search products", key="draft.query", do=find,
                use="search for products",
            ),
            style="padding-bottom:0",
        ) if device.is_mobile else None
    )  # fmt: skip
    foot = (
        bottom_bar(
            [
                ("tab:shop", "house", "Shop", [["show", "main"]], "ui.view=main"),
                (
                    "tab:loved", "heart", "Wish list", [["say", "Your wish list has one entry."]],
                    "ui.view=loved",
                ),
                (
                    "tab:account", "person", "Account", [["say", "You are signed in."]],
                    "ui.view=account",
                ),
            ],
        ) if device.is_mobile else None
    )  # fmt: skip
    return div("", bar, find_bar, _chips(kinds), goods, foot, data_view="main")


def _chips(kinds: Sequence[str]) -> Html:
    return div(
        "row pad wrap fixed",
        [
            tag(
                "button", content.CATEGORIES[kind], class_="chip", data_e=f"group:{kind}",
                data_kind="filter chip", data_lit=f"goods.group={kind}",
                data_use=f"show only {content.CATEGORIES[kind].lower()}",
                data_do=[["set", "goods.group", kind]],
            )
            for kind in kinds
        ],
        tag(
            "button", "All", class_="chip", data_e="group:all", data_kind="filter chip",
            data_lit="goods.group=", data_use="show all categories",
            data_do=[["set", "goods.group", ""]],
        ),
        tag("span", class_="grow"),
        button(
            "filters", "Filter", [["open", "filter.dialog"]], with_icon="filter",
            use="open the filters",
        ),
        button(
            "sort", "Sort", [["open", "sort.menu"]], with_icon="sort",
            use="choose the order of the products",
        ),
    )  # fmt: skip


def _cards(products: Sequence[Product], device: Device, money: str) -> list[Html]:
    return [
        div(
            "card col tight", tile(p.kind, p.hue, height=96 if device.is_mobile else 120),
            tag("span", p.name, class_="strong", data_e=f"name:{p.name}"),
            div(
                "row between", tag("span", price_of(p, money), data_e=f"price:{p.name}"),
                tag("span", f"★ {p.stars:.1f}", class_="muted small", data_e=f"stars:{p.name}"),
            ),
            div(
                "row between",
                button(
                    f"add:{p.name}", "Add",
                    [["add", "cart", p.name], ["say", f"{p.name} was added."]], style="main-btn",
                    use=f"add {p.name} to the cart", of=f"for {p.name}",
                ),
                icon_button(
                    f"love:{p.name}", "heart", "Like", [["add", "loved", p.name]], fills=True,
                    lit=f"loved~{p.name}", use=f"put {p.name} on the wish list",
                    of=f"for {p.name}",
                ),
            ),
            data_item=p.name, data_group=p.kind, data_number=str(p.price),
        )
        for p in products
    ]  # fmt: skip


def _cart(products: Sequence[Product], money: str) -> Html:
    rows = [
        div(
            "item", tile(p.kind, p.hue, height=46, width="46px"),
            div(
                "grow", tag("div", p.name, class_="cut"),
                tag("div", price_of(p, money), class_="muted"),
            ),
            icon_button(
                f"drop:{p.name}", "trash", "Remove", [["drop", "cart", p.name]],
                use=f"take {p.name} out of the cart", of=f"for {p.name}",
            ),
            data_when=f"cart~{p.name}",
        )
        for p in products
    ]  # fmt: skip
    return div(
        "",
        heading(
            icon_button(
                "cart-back", "left", "Back", [["show", "main"]], use="go back to the shop",
            ),
            tag("span", "Your cart", class_="title"),
        ),
        div(
            "grow scroll pad",
            div(
                "narrow col", div("card lines", rows),
                tag("p", tag("span", data_text="cart"), " articles", data_e="cart-sum"),
                button(
                    "checkout", "Checkout", [["open", "address.dialog"]], style="main-btn wide",
                    use="go on to the checkout",
                ),
            ),
        ),
        data_view="cart",
    )  # fmt: skip


def _layers(device: Device) -> Html:
    sort = menu(
        "sort.menu",
        [
            menu_entry(
                "sort:cheap", "Price: low to high",
                [["set", "goods.order", "number up"], ["pop"]],
                use="show the cheapest products first",
            ),
            menu_entry(
                "sort:dear", "Price: high to low",
                [["set", "goods.order", "number down"], ["pop"]],
                use="show the most expensive products first",
            ),
            menu_entry(
                "sort:name", "Name", [["set", "goods.order", "name up"], ["pop"]],
                use="sort the products by name",
            ),
        ],
        title="Sort",
    )  # fmt: skip
    most = slider("most", "Highest price", key="goods.most", most=200, step=10)
    filters = dialog(
        "filter.dialog",
        "Filter",
        tag("p", "Highest price: ", tag("span", data_text="goods.most", data_e="most-value")),
        most,
        actions=[
            button("filter:reset", "Reset", [["set", "goods.most", 200]], use="remove the filter"),
            button(
                "filter:done", "Show results", [["pop"]], style="main-btn", use="close the filters"
            ),
        ],
        sheet=device.is_mobile,
    )
    done = [
        ["set", "ordered", True], ["set", "cart", []],
        ["clear", "draft.name", "draft.street", "draft.city"], ["pop"],
        ["say", "Thank you for your order!"],
    ]  # fmt: skip
    order = dialog(
        "address.dialog", "Delivery address", field("name", "Name", key="draft.name"),
        field("street", "Street", key="draft.street"), field("city", "City", key="draft.city"),
        actions=[
            button("order:cancel", "Cancel", [["pop"]], use="close the dialog without ordering"),
            button(
                "order", "Place order",
                [
                    [
                        "need", ["draft.name", "draft.street", "draft.city"],
                        [
                            [
                                "keep", "orders", "draft.name", "draft.street", "draft.city",
                                "cart",
                            ],
                            *done,
                        ],
                    ],
                ],
                style="main-btn", use="place the order",
            ),
        ],
    )  # fmt: skip
    return join(sort, filters, order)


def _state(loved: list[str]) -> dict[str, Any]:
    return {
        "cart": [], "loved": loved, "ordered": False, "query": "", "draft.query": "",
        "goods.query": "", "goods.group": "", "goods.most": 200, "goods.order": "",
        "draft.name": "", "draft.street": "", "draft.city": "",
    }  # fmt: skip
