"""One HTTP request with a hard end: bounded in time, in size, and in where it goes.

Owns: the connection. Does not own: what is sent (``wire``), trying again (``client``).

    Address, path, body, seconds -> request() -> Response | ConnectionFailed

Whatever a server does, such as a byte a minute, the request is over in time: a timer closes its
socket. Proxies of the environment are not used, and redirects are answers like others.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from qvl.errors import ConfigError
from qvl.options import shown

_PIECE = 64 * 1024
_CONNECT_S = 10.0
"""A server that takes longer to connect is as good as down; nobody can end a connection before it
is one, not even Ctrl-C."""


class ConnectionFailed(Exception):
    """No whole response came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A server and the beginning of its paths.

    Attributes:
        is_tls: whether the connection is encrypted.
        host: name or number.
        port: of the server.
        path: before "/chat/completions", such as "/v1".
    """

    is_tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Reads an address such as "http://127.0.0.1:8000/v1".

        Raises:
            ConfigError: it is none, or names a user; a key is an argument of its own.
        """
        hint = "such as http://127.0.0.1:8000/v1"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"endpoint {shown(url)} is no address: {error}", hint=hint) from error
        if "@" in parts.netloc:
            raise ConfigError("endpoint holds a user or password, expected a key as an argument")
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
            raise ConfigError(f"endpoint {shown(url)} is no address of a server", hint=hint)
        if parts.query or parts.fragment or " " in url or not url.isascii():
            raise ConfigError(f"endpoint {shown(url)} has more than a path", hint=hint)
        is_tls = parts.scheme == "https"
        return cls(
            is_tls=is_tls,
            host=parts.hostname,
            port=port or (443 if is_tls else 80),
            path=parts.path.rstrip("/"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What a server answered.

    Attributes:
        status: of HTTP.
        headers: with names in lower case.
        body: whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sockets:
    """The open connections of a call, so that all can be ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_over = False

    def add(self, opened: socket.socket) -> None:
        """Remembers a connection, or ends it when all are ended already."""
        with self._lock:
            self._open.add(opened)
            if self._is_over:
                _end(opened)

    def discard(self, opened: socket.socket) -> None:
        """Forgets a connection, before it is closed."""
        with self._lock:
            self._open.discard(opened)

    def end(self) -> None:
        """Ends all connections, and those still to come."""
        with self._lock:
            self._is_over = True
            for opened in self._open:
                _end(opened)


def request(
    method: str,
    address: Address,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float,
    max_bytes: int,
    sockets: Sockets,
) -> Response:
    """Sends a request and returns the whole response.

    Args:
        method: of HTTP, such as "POST".
        address: of the server.
        path: below that of the address.
        body: of the request.
        headers: with it.
        seconds: from connecting to the last byte.
        max_bytes: of the response.
        sockets: that may end it early.

    Raises:
        ConnectionFailed: no connection, no HTTP, cut off, too slow or too large.
    """
    kind = http.client.HTTPSConnection if address.is_tls else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=min(seconds, _CONNECT_S))
    late = threading.Event()
    timer: threading.Timer | None = None
    opened: socket.socket | None = None
    start = time.monotonic()
    try:
        connection.connect()
        opened = connection.sock
        opened.settimeout(seconds)
        sockets.add(opened)
        rest = max(0.001, seconds - (time.monotonic() - start))
        timer = threading.Timer(rest, _too_late, (opened, late))
        timer.daemon = True
        timer.start()
        connection.request(method, address.path + path, body, dict(headers))
        response = _read(connection.getresponse(), max_bytes)
        if late.is_set():  # what was cut off may look like an end
            raise TimeoutError
        return response
    except (OSError, http.client.HTTPException) as error:
        if opened is None and isinstance(error, TimeoutError):
            raise ConnectionFailed(f"no connection in {connection.timeout:g} s") from error
        if late.is_set() or isinstance(error, TimeoutError):
            raise ConnectionFailed(f"no whole response in {seconds:g} s") from error
        # Messages of ours and of the system; none holds a header or the body.
        raise ConnectionFailed(str(error) or type(error).__name__) from error
    finally:
        if timer is not None:
            timer.cancel()
        if opened is not None:
            sockets.discard(opened)
        connection.close()


def _too_late(opened: socket.socket, late: threading.Event) -> None:
    late.set()
    _end(opened)


def _end(opened: socket.socket) -> None:
    """Wakes whoever waits on a connection; closing it is left to them."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, max_bytes: int) -> Response:
    pieces: list[bytes] = []
    size = 0
    # `read` would take everything before its size could be seen.
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > max_bytes:
            raise http.client.HTTPException(f"response of more than {max_bytes:,} bytes")
        pieces.append(piece)
    if response.length:  # fewer bytes than the header says
        raise http.client.HTTPException(f"response cut off after {size:,} bytes")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Response(status=response.status, headers=headers, body=b"".join(pieces))
