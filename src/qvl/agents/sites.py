"""Which addresses an agent may go to.

Owns: reading the entries of an allow-list and deciding about an address. Does not own: stopping
anything (``gate``, ``tabs``).

    "shop.example", "*.shop.example", "127.0.0.1:8000", "file:///pages/" -> parse_sites -> Sites

An entry without a port means the usual ones of http and https, so that a service on another port
of the same machine stays out of reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from qvl.errors import InputError
from qvl.options import shown

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_WITHOUT_A_SITE = ("about", "data", "blob")
"""Schemes whose content comes from the page itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One entry of an allow-list."""

    host: str
    ports: tuple[int, ...]
    subdomains: bool = False
    """Whether hosts under ``host`` count too."""

    def holds(self, host: str, port: int) -> bool:
        """Whether a host, as `plain_host` writes it, and port belong to this entry."""
        below = self.subdomains and host.endswith(f".{self.host}")
        return port in self.ports and (host == self.host or below)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sites:
    """An allow-list."""

    sites: tuple[Site, ...] = ()
    folders: tuple[Path, ...] = ()
    """Where ``file://`` addresses may lie."""

    def allows_host(self, host: str, port: int) -> bool:
        """Whether a connection to a host may be made."""
        plain = plain_host(host)
        return any(site.holds(plain, port) for site in self.sites)

    def allows(self, address: str) -> bool:
        """Whether an address may be asked for.

        >>> sites = parse_sites(["*.shop.example", "127.0.0.1:8000"])
        >>> [sites.allows(a) for a in ("https://a.shop.example/x", "http://127.0.0.1:8000/")]
        [True, True]
        >>> [sites.allows(a) for a in ("http://127.0.0.1/", "https://shop.example.evil/", "file:///")]
        [False, False, False]
        """
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            return False
        if parts.scheme in _WITHOUT_A_SITE:
            return True
        if parts.scheme == "file":
            path = Path(unquote(parts.path)).resolve()
            return not parts.netloc and any(path.is_relative_to(folder) for folder in self.folders)
        if parts.scheme not in _PORTS or parts.hostname is None:
            return False
        return self.allows_host(parts.hostname, _PORTS[parts.scheme] if port is None else port)


def parse_sites(entries: Iterable[str]) -> Sites:
    """Reads an allow-list.

    Args:
        entries: a host, a host with a port, ``*.host`` for a host and all below it, a whole
            address (its host and port count), or the ``file://`` address of a folder.

    Raises:
        InputError: an entry is none of these.
    """
    sites: list[Site] = []
    folders: list[Path] = []
    for entry in entries:
        if entry.startswith("file://"):
            folders.append(Path(unquote(urlsplit(entry).path)).resolve())
        else:
            sites.append(_site(entry))
    return Sites(sites=tuple(sites), folders=tuple(folders))


def site_of(address: str) -> Site:
    """Returns the site of the page an agent starts at.

    Raises:
        InputError: it is no address of a page on a network.
    """
    scheme = address.split(":", 1)[0].lower()
    if scheme == "file":
        raise InputError(
            f"{shown(address)} is a file, expected http:// or https://",
            hint="allow its folder on purpose, as file:///folder/",
        )
    if "://" not in address or scheme not in ("http", "https"):
        raise InputError(
            f"{shown(address)} is no address of a page, expected http:// or https://",
            hint=None if "://" in address else f"https://{address}",
        )
    return _site(address)


def plain_host(host: str) -> str:
    """A host in the spelling in which two names of one host are equal.

    >>> plain_host("Bücher.Example."), plain_host("[::1]")
    ('xn--bcher-kva.example', '::1')
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        return name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        return name


def _site(entry: str) -> Site:
    text = entry.strip()
    subdomains = text.startswith("*.")
    text = text.removeprefix("*.")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        port = parts.port
    except ValueError:
        raise InputError(f"{shown(entry)} is no site: its port is no number") from None
    if not parts.hostname or "*" in parts.hostname or any(c.isspace() for c in parts.hostname):
        raise InputError(
            f"{shown(entry)} is no site, expected a host such as shop.example, *.shop.example "
            "or 127.0.0.1:8000"
        )
    if port is None:
        usual = (80, 443) if parts.scheme == "" else (_PORTS.get(parts.scheme, 443),)
        return Site(host=plain_host(parts.hostname), ports=usual, subdomains=subdomains)
    return Site(host=plain_host(parts.hostname), ports=(port,), subdomains=subdomains)
