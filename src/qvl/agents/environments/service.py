"""The HTTP server of a world: requests bounded in time and size, answers checked.

Owns: how a request fails. Does not own: the connection (``endpoint.http``), paths and what they
mean (``android_world``, ``osworld``).

    get(path, query) | post(path, query, body) -> bytes | JSON object;  else ScreenError
"""

import json
from typing import Any
from urllib.parse import urlencode

from qvl.agents.executor import ActionError, ScreenError
from qvl.endpoint.http import Address, ConnectionFailed, Response, Sockets, request
from qvl.options import shown

MOST_BYTES = 256 * 2**20
"""Of a response: AndroidWorld writes every pixel of a screen as text."""


class Service:
    """A server at one address."""

    def __init__(self, url: str, *, seconds: float) -> None:
        """Takes the address; reaches nothing yet.

        Args:
            url: such as "http://127.0.0.1:5000".
            seconds: most time of one request.

        Raises:
            ConfigError: it is no address.
        """
        self._address, self._seconds = Address.parse(url), seconds
        self.url = url

    def get(self, path: str, **query: object) -> bytes:
        """Returns what the server has at a path.

        Raises:
            ScreenError: it cannot be reached, or refuses.
        """
        return self._whole(self._send("GET", path, query, b""), path)

    def get_json(self, path: str, **query: object) -> dict[str, Any]:
        """Returns the object that the server has at a path.

        Raises:
            ScreenError: as `get`, or it is no JSON object.
        """
        return self._object(self.get(path, **query), path)

    def post(self, path: str, **query: object) -> None:
        """Asks for something to happen.

        Raises:
            ScreenError: the server cannot be reached, or refuses.
        """
        self._whole(self._send("POST", path, query, b""), path)

    def act(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Has an action done and returns what the server says of it.

        Raises:
            ActionError: the server is there and refuses.
            ScreenError: it cannot be reached, or answers no JSON object.
        """
        response = self._send("POST", path, {}, json.dumps(body).encode("ascii"))
        if response.status >= 400:
            raise ActionError(f"the action was refused: {_said(response)}")
        return self._object(response.body, path)

    def _send(self, method: str, path: str, query: dict[str, object], body: bytes) -> Response:
        words = {name: _word(value) for name, value in query.items()}
        target = f"{path}?{urlencode(words)}" if words else path
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        try:
            return request(
                method,
                self._address,
                target,
                body,
                headers,
                seconds=self._seconds,
                max_bytes=MOST_BYTES,
                sockets=Sockets(),
            )
        except ConnectionFailed as error:
            raise ScreenError(f"{self.url}{path} cannot be reached: {error}") from None

    def _whole(self, response: Response, path: str) -> bytes:
        if response.status >= 400:
            raise ScreenError(f"{self.url}{path} refuses: {_said(response)}")
        return response.body

    def _object(self, body: bytes, path: str) -> dict[str, Any]:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ScreenError(f"{self.url}{path} answers {shown(body[:80])}, expected an object")
        return found


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(response: Response) -> str:
    return f"{response.status} {shown(response.body[:300].decode('utf-8', 'replace'))}"
