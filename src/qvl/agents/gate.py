"""The way out of the browser: a proxy on this machine that lets only allowed sites pass.

Owns: connections. Does not own: the allow-list (``sites``), what the page is told (``tabs``).

    browser -> CONNECT host:port, or GET http://host/path -> allowed? -> relay both ways | refused

Stopping requests inside the browser is not enough: it cannot see where a redirect leads, nor what
a worker or a web socket opens. Nothing of that gets past the only way out.
Source: RFC 9110 section 7.6.1 (headers of one connection) and 9.3.6 (CONNECT).
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

from qvl.agents.sites import Sites

HEAD_BYTES = 64 * 1024
"""Longest head of a request."""
HEAD_SECONDS = 30.0
CONNECT_SECONDS = 15.0
IDLE_SECONDS = 300.0
"""A connection on which nothing moves for so long is closed."""
MOST_CONNECTIONS = 256

_OF_THE_CONNECTION = (b"connection:", b"proxy-connection:", b"keep-alive:", b"proxy-authorization:")


class Gate:
    """A proxy; belongs to the event loop that opened it."""

    def __init__(self, sites: Sites) -> None:
        """Prepares the proxy; ``sites`` may pass."""
        self._sites = sites
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Starts listening on the loopback interface; returns the address for the browser."""
        self._server = await asyncio.start_server(
            self._serve, host="127.0.0.1", port=0, limit=HEAD_BYTES
        )
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        """Ends all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            if len(self._running) <= MOST_CONNECTIONS:
                await self._request(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one end went away or sent no request: the connection is over
        except asyncio.CancelledError:
            pass  # closing; nobody waits for this task
        finally:
            self._running.discard(task)
            _close(writer)

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        request = _read_head(head)
        if request is None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        host, port, forwarded = request
        if not self._sites.allows_host(host, port):
            # To "no content" a browser answers by staying on the page it shows.
            status = b"403 Forbidden" if forwarded is None else b"204 No Content"
            writer.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        try:
            there_reader, there = await asyncio.wait_for(
                asyncio.open_connection(host, port), CONNECT_SECONDS
            )
        except (OSError, TimeoutError):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        try:
            if forwarded is None:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there.write(forwarded)
            ways = [_relay(reader, there), _relay(there_reader, writer)]
            await asyncio.gather(*ways)
        finally:
            _close(there)


def _read_head(head: bytes) -> tuple[str, int, bytes | None] | None:
    """Host, port and the head to forward; no head for a tunnel, None for no request."""
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3:
        return None
    method, target, version = words
    try:
        address = target.decode("ascii")
        parts = urlsplit(f"//{address}" if method == b"CONNECT" else address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    if method == b"CONNECT":
        return parts.hostname, 443 if port is None else port, None
    if parts.scheme != "http":
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in lines[1:-2] if not line.lower().startswith(_OF_THE_CONNECTION)]
    first = b" ".join((method, path.encode("ascii"), version))
    upgrade = any(line.lower().startswith(b"upgrade:") for line in kept)
    # One request a connection: the next one may be for another host and must be judged again.
    closing = b"Connection: Upgrade" if upgrade else b"Connection: close"
    forwarded = b"\r\n".join([first, *kept, closing, b"", b""])
    return parts.hostname, 80 if port is None else port, forwarded


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Moves bytes one way until the sender ends or nothing moves."""
    try:
        while data := await asyncio.wait_for(reader.read(HEAD_BYTES), IDLE_SECONDS):
            writer.write(data)
            await writer.drain()
    finally:
        with contextlib.suppress(OSError):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()


def _close(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
