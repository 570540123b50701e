"""Which addresses are allowed: exactly those that an entry names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.agents.sites import Sites, parse_sites, site_of
from qvl.errors import InputError


@pytest.mark.parametrize(
    ("entry", "allowed", "refused"),
    [
        (
            "shop.example",
            ["http://shop.example/", "https://SHOP.example./x?y#z", "wss://shop.example/s"],
            [
                "http://shop.example:8080/",
                "https://a.shop.example/",
                "https://shop.example.evil/",
                "https://evilshop.example/",
                "https://shop.example@evil/",
                "ftp://shop.example/",
                "javascript:alert(1)",
                "chrome://settings",
                "view-source:http://shop.example/",
            ],
        ),
        (
            "*.shop.example",
            ["https://a.b.shop.example/", "http://shop.example/"],
            ["http://ashop.example/"],
        ),
        (
            "127.0.0.1:8000",
            ["http://127.0.0.1:8000/"],
            ["http://127.0.0.1/", "http://localhost:8000/"],
        ),
        ("https://shop.example/a/b", ["https://shop.example/c"], ["http://shop.example/"]),
        ("[::1]:8000", ["http://[::1]:8000/"], ["http://[::2]:8000/"]),
        ("bücher.example", ["https://xn--bcher-kva.example/"], ["https://bucher.example/"]),
    ],
)
def test_an_entry_allows_what_it_names(entry: str, allowed: list[str], refused: list[str]) -> None:
    sites = parse_sites([entry])
    assert [address for address in allowed if not sites.allows(address)] == []
    assert [address for address in refused if sites.allows(address)] == []


def test_what_comes_from_the_page_itself_is_allowed() -> None:
    assert all(Sites().allows(a) for a in ("about:blank", "data:text/html,x", "blob:http://a/b"))


def test_files_only_below_an_allowed_folder(tmp_path: Path) -> None:
    sites = parse_sites([f"file://{tmp_path}/pages/"])
    assert sites.allows(f"file://{tmp_path}/pages/a%20b.html")
    for address in (
        f"file://{tmp_path}/a.html",
        f"file://{tmp_path}/pages/../a.html",
        f"file://{tmp_path}/pages/%2e%2e/a",
        "file:///etc/passwd",
        f"file://host{tmp_path}/pages/a.html",
    ):
        assert not sites.allows(address), address


@pytest.mark.parametrize(
    "entry", ["", "   ", "*", "*.*", "a b", "shop.example:port", "http://", "*."]
)
def test_what_is_no_site_is_refused(entry: str) -> None:
    with pytest.raises(InputError, match="is no site"):
        parse_sites([entry])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///etc/passwd", "is a file, expected http:// or https://"),
        ("shop.example", "is no address of a page, .* hint: https://shop.example"),
        ("javascript:alert(1)", "is no address of a page"),
        ("chrome://settings", "is no address of a page"),
        ("http://", "is no site"),
    ],
)
def test_a_start_is_a_page_on_a_network(address: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        site_of(address)


@given(st.text(max_size=80))
def test_any_address_is_decided(address: str) -> None:
    assert parse_sites(["shop.example"]).allows(address) in (True, False)
