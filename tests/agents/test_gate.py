"""The way out: what may pass passes unchanged, nothing else leaves the machine."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from qvl.agents import gate
from qvl.agents.gate import Gate
from qvl.agents.sites import parse_sites
from tests.agents.site import Site, serve_site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_site() as served:
        yield served


def through(site: Site, *requests: bytes) -> list[bytes]:
    """Sends each request through a gate that allows the application only; returns the answers."""

    async def run() -> list[bytes]:
        opened = Gate(parse_sites([site.address]))
        port = int((await opened.open()).rsplit(":", 1)[1])
        try:
            return [await asyncio.wait_for(ask(port, request), 20) for request in requests]
        finally:
            await opened.close()

    async def ask(port: int, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await writer.drain()
        if request.startswith(b"CONNECT") and b"\r\n\r\n" in request:
            established = await reader.readuntil(b"\r\n\r\n")
            if b"200" in established:
                writer.write(b"GET /next HTTP/1.0\r\n\r\n")
                return established + await reader.read()
            return established
        answer = await reader.read()
        writer.close()
        return answer

    return asyncio.run(run())


def test_a_request_is_passed_on_and_answered(site: Site) -> None:
    host = site.address.removeprefix("http://")
    (answer,) = through(
        site, f"GET {site.address}/next?a=b HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.0 200")
    assert b"<h1>Next</h1>" in answer
    assert site.asked[-1] == "/next?a=b"


def test_a_body_is_passed_on(site: Site) -> None:
    head = f"POST {site.address}/saved HTTP/1.1\r\nContent-Length: 6\r\n\r\n"
    through(site, head.encode() + b"name=a")
    assert site.saved[-1] == {"name": ["a"]}


def test_a_tunnel_is_opened(site: Site) -> None:
    host = site.address.removeprefix("http://")
    (answer,) = through(site, f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
    assert b"200 Connection established" in answer
    assert b"<h1>Next</h1>" in answer


def test_another_site_is_not_reached(site: Site) -> None:
    other = site.other.removeprefix("http://")
    tunnel, page, smuggled = through(
        site,
        f"CONNECT {other} HTTP/1.1\r\n\r\n".encode(),
        f"GET {site.other}/x HTTP/1.1\r\n\r\n".encode(),
        # The second request on the connection goes to the allowed site, not to where it says.
        f"GET {site.address}/next HTTP/1.1\r\n\r\nGET {site.other}/x HTTP/1.1\r\n\r\n".encode(),
    )
    assert tunnel.startswith(b"HTTP/1.1 403")
    assert page.startswith(b"HTTP/1.1 204")
    assert b"<h1>Next</h1>" in smuggled
    assert site.other_asked == []


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\n\r\n",
        b"GET ftp://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:port HTTP/1.1\r\n\r\n",
        b"GET http://\xff\xff/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(site: Site, request_: bytes) -> None:
    (answer,) = through(site, request_)
    assert answer.startswith(b"HTTP/1.1 400")


def test_an_endless_head_ends_the_connection(site: Site) -> None:
    (answer,) = through(site, b"GET http://a/ HTTP/1.1\r\nA: " + b"a" * 2 * gate.HEAD_BYTES)
    assert answer == b""


def test_a_site_that_does_not_answer_is_a_bad_gateway(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    async def run() -> bytes:
        opened = Gate(parse_sites([f"127.0.0.1:{port}"]))
        address = int((await opened.open()).rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", address)
        writer.write(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        await opened.close()
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 502")
