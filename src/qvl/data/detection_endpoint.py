"""A server that detects: the same marks as ``pseudo_label``, made elsewhere.

Owns: the JSON, trying again, what garbage becomes. Does not own: the connection
(``endpoint.http``), which marks are believed (``detections``).

    picture, phrases -> POST url/detect -> {"detections": [...]} -> Instance, ...

Request: {"image": PNG in base64, "phrases": [...], "threshold": 0.1}. Response: {"detections":
[{"phrase": one of those asked for, "box": [x1, y1, x2, y2] in pixels of the picture, "score": 0 to
1, "mask": optional, {"size": [height, width], "counts": COCO's compressed run lengths}}]}. Only the
address that the user gave is asked; redirects are not followed.
"""

import base64
import io
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import PIL.Image

from qvl.data.annotated import Instance
from qvl.data.masks import RunLengths, read_counts
from qvl.endpoint.client import asked_to_wait
from qvl.endpoint.http import Address, ConnectionFailed, Response, Sockets, request
from qvl.errors import ConfigError, DataError
from qvl.geometry import Box, ImageSize, clip
from qvl.options import shown

MAX_DETECTIONS = 10_000
"""Most detections in one response."""

_PATH = "/detect"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_FOR_GOOD = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionEndpoint:
    """Asks a server for detections; satisfies `detections.Detector`.

    Attributes:
        url: such as "http://127.0.0.1:8090"; "/detect" is put behind it.
        api_key: sent as a bearer token; never in a message of ours.
        request_s: seconds that a request may take.
        call_s: seconds that a picture may take, with all tries and waiting.
        most_tries: of a request; after 429 and 5xx it waits as long as the server asks, or longer
            each time.
        max_response_bytes: of a response.
        least_score: below it nothing is asked for.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    request_s: float = 60.0
    call_s: float = 600.0
    most_tries: int = 5
    max_response_bytes: int = 64 * 2**20
    least_score: float = 0.1
    _address: Address = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("request_s", "call_s", "most_tries", "max_response_bytes"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected more than 0")
        object.__setattr__(self, "_address", Address.parse(self.url))

    def detect(self, picture: PIL.Image.Image, phrases: Sequence[str]) -> list[Instance]:
        """Returns what the server found.

        Raises:
            DataError: there was no usable response for this picture.
            ConfigError: the server refuses the key or the address.
        """
        file = io.BytesIO()
        picture.convert("RGB").save(file, "PNG")
        request = {
            "image": base64.b64encode(file.getvalue()).decode("ascii"),
            "phrases": list(phrases),
            "threshold": self.least_score,
        }
        body = self._sent(json.dumps(request).encode())
        return read_detections(body, phrases, ImageSize(picture.height, picture.width))

    def _sent(self, body: bytes) -> bytes:
        """The body of a response that succeeded, perhaps after several tries."""
        deadline = time.monotonic() + self.call_s
        told = ""
        wait_s = 0.0
        for attempt in range(self.most_tries):
            if wait_s >= deadline - time.monotonic():
                raise DataError(
                    f"{self.url} gave no detections within {self.call_s:g} s, at last: {told}"
                )
            time.sleep(wait_s)
            bound = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)
            wait_s = random.uniform(bound / 2, bound)
            try:
                response = self._post(body, seconds=deadline - time.monotonic())
            except ConnectionFailed as error:
                told = str(error)
                continue
            if response.status == HTTPStatus.OK:
                return response.body
            told = f"status {response.status}"
            if response.status in _FOR_GOOD or 300 <= response.status < 400:
                raise ConfigError(f"{self.url} refuses with {told}")
            if response.status != HTTPStatus.TOO_MANY_REQUESTS and response.status < 500:
                raise DataError(f"{self.url} does not take this picture: {told}")
            wait_s = asked_to_wait(response, otherwise=wait_s)
        raise DataError(f"{self.url} failed {self.most_tries} times, at last: {told}")

    def _post(self, body: bytes, *, seconds: float) -> Response:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return request(
            "POST",
            self._address,
            _PATH,
            body,
            headers,
            seconds=min(self.request_s, seconds),
            max_bytes=self.max_response_bytes,
            sockets=Sockets(),
        )


def read_detections(body: bytes, phrases: Sequence[str], size: ImageSize) -> list[Instance]:
    """Returns the detections of a response.

    Raises:
        DataError: it is no JSON, has another form, or a detection lies outside the picture.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError(f"response is no JSON: {error}") from error
    found = content.get("detections") if isinstance(content, dict) else None
    if not isinstance(found, list) or len(found) > MAX_DETECTIONS:
        raise DataError(
            f"detections are {shown(found)}, expected a list of at most {MAX_DETECTIONS}"
        )
    return [_read(item, phrases, size) for item in found]


def _read(item: Any, phrases: Sequence[str], size: ImageSize) -> Instance:
    if not isinstance(item, dict) or item.get("phrase") not in phrases:
        raise DataError(f"detection is {shown(item)}, expected one with a phrase asked for")
    box, score = item.get("box"), item.get("score")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise DataError(f"box of a detection is {shown(box)}, expected four numbers")
    if not isinstance(score, int | float) or not _is_number(score) or not 0 <= score <= 1:
        raise DataError(f"score of a detection is {shown(score)}, expected 0 to 1")
    inside = clip(Box(*map(float, box)), size)
    if inside.x2 <= inside.x1 or inside.y2 <= inside.y1:
        raise DataError(f"box {shown(box)} has no area in a picture of {size}")
    mask = item.get("mask")
    return Instance(
        name=item["phrase"],
        box=inside,
        score=float(score),
        segmentation=None if mask is None else _mask(mask, size),
    )


def _mask(mask: Any, size: ImageSize) -> RunLengths:
    counts = mask.get("counts") if isinstance(mask, dict) else None
    if not isinstance(counts, str) or mask.get("size") != [*size]:
        raise DataError(f"mask is {shown(mask)}, expected size {[*size]} and counts")
    if sum(read_counts(counts)) != size.area:
        raise DataError(f"runs of a mask do not fill a picture of {size}")
    return RunLengths(size=size, counts=counts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
