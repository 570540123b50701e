"""A server on this machine that answers as it is told, and misbehaves in every way there is."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Reply = Callable[[socket.socket, dict[str, Any]], None]
"""Gets the connection and the request's body."""


def answer(text: str = "Yes.", **changes: Any) -> dict[str, Any]:
    """The body of a good response."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "choices": [{**choice, **changes}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    }


def replying(body: object, *, status: int = 200, headers: str = "") -> Reply:
    """Answers with JSON, or with bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return sending(head.encode() + data)


def sending(data: bytes) -> Reply:
    """Sends these bytes and closes the connection."""
    return lambda connection, _: connection.sendall(data)


class Server:
    """Where it is, and what it was asked."""

    def __init__(self, replies: Iterator[Reply] | Reply) -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self.requests: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def run(self) -> None:
        while not self.is_over.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        self._socket.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._reply(connection)
        except OSError:
            pass  # the client has gone
        finally:
            connection.close()

    def _reply(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        with self._lock:
            request = json.loads(body)
            self.requests.append(request)
            self.heads.append(head.decode())
            reply = self._replies if callable(self._replies) else next(self._replies)
        reply(connection, request)


@contextmanager
def serving(replies: Iterator[Reply] | Reply) -> Iterator[Server]:
    """Runs a server; its replies are one for all requests, or one after the other."""
    server = Server(replies)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        thread.join(5)
