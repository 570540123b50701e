"""Random pages for the tests of documents."""

from hypothesis import strategies as st

from qvl.geometry import Box
from qvl.tasks.document_elements import (
    LEAF_TAGS,
    LOOSE_TAGS,
    OTHER_TAGS,
    Address,
    Cell,
    Chart,
    ChemicalFormula,
    Element,
    Figure,
    Formula,
    Heading,
    List,
    ListItem,
    MusicSheet,
    Other,
    Paragraph,
    Table,
    is_loose,
    pictured_kind,
)

SPECIAL = st.sampled_from(
    [
        "a < b & c > d", "</p>", "<p data-bbox=", "&amp;lt;", "```html", "$x_1 < \\frac{a}{b}$",
        "<script>alert(1)</script>", "\\begin{matrix} a & b \\\\ c & d \\end{matrix}", "$$", "a|b",
        "X:1\nT:A \"Am\" B<c d>e & |: [CEG] :|", "C[C@H](N)C(=O)O", "F/C=C\\F", "C#N", "<b x>",
        "\u00a0x\u00a0", "图片 解析", "\x00\x0b", "\U0001f600", "x\r\ny", "&nbsp;", "<!-- x -->",
        "'\"", "data-bbox=\"1 2 3 4\"", "&#65;", "</div></table></body>",
    ]
)  # fmt: skip
TEXT = st.one_of(SPECIAL, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
NAMES = st.sampled_from(["", "table1", "a b", 'x"y<&>', "data-bbox=1"])
BOX = st.builds(
    lambda x, y, width, height: Box(float(x), float(y), float(x + width), float(y + height)),
    *[st.integers(0, 3000)] * 4,
)
BOXES = st.none() | BOX

CELL = st.builds(
    Cell,
    text=TEXT,
    header=st.booleans(),
    row_span=st.integers(1, 3),
    col_span=st.sampled_from([1, 1, 1, 2, 1000]),
)
TABLE = st.builds(
    Table,
    box=BOXES,
    rows=st.lists(st.lists(CELL, max_size=4).map(tuple), max_size=4).map(tuple),
    name=NAMES,
    style=st.sampled_from(["", "table1 { color: red; }", "x } & y"]),
    caption=TEXT,
)
LIST = st.recursive(
    st.builds(ListItem, text=TEXT, box=BOXES),
    lambda items: st.builds(
        ListItem,
        text=TEXT,
        box=BOXES,
        children=st.lists(
            st.builds(List, box=BOXES, items=st.lists(items, max_size=3).map(tuple)), max_size=2
        ).map(tuple),
    ),
    max_leaves=6,
).flatmap(
    lambda item: st.one_of(
        st.builds(List, box=BOXES, items=st.just((item, item))),
        st.builds(
            List,
            box=BOXES,
            items=st.just((item,)),
            ordered=st.just(True),
            start=st.integers(-5, 100),
        ),
    )
)
PARAGRAPH = st.builds(Paragraph, box=BOXES, text=TEXT)
PICTURED = {"box": BOXES, "picture": BOXES, "text": TEXT}
PLAIN = st.one_of(
    st.builds(Heading, box=BOXES, level=st.integers(1, 6), text=TEXT),
    PARAGRAPH,
    LIST,
    TABLE,
    st.builds(Figure, **PICTURED, role=st.sampled_from(["caption", "ocr"])),
    st.builds(Figure, box=BOXES, picture=BOXES),
    st.builds(Chart, **PICTURED, table=st.none() | TABLE),
    st.builds(
        Formula,
        **PICTURED,
        latex=TEXT,
        origin=st.sampled_from(["", "machine_printed", "handwritten"]),
    ),
    st.builds(MusicSheet, **PICTURED, abc=TEXT),
    st.builds(ChemicalFormula, **PICTURED, smiles=TEXT),
    st.builds(
        Address,
        box=BOXES,
        parts=st.lists(PARAGRAPH, max_size=3).map(tuple),
        name=st.sampled_from(["author", "", "x y"]),
    ),
    st.builds(Other, tag=st.sampled_from(OTHER_TAGS), box=BOX, text=TEXT, name=NAMES),
)
GROUP_TAGS = [tag for tag in OTHER_TAGS if tag not in (*LEAF_TAGS, *LOOSE_TAGS)]
ELEMENT: st.SearchStrategy[Element] = st.recursive(
    PLAIN,
    lambda children: st.builds(
        Other,
        tag=st.sampled_from(GROUP_TAGS),
        box=BOX,
        name=NAMES.filter(lambda name: pictured_kind(name) is None),
        children=st.lists(children, min_size=1, max_size=3)
        .filter(lambda found: not all(map(is_loose, found)))
        .map(tuple),
    ),
    max_leaves=5,
)
PAGE = st.lists(ELEMENT, max_size=5)
