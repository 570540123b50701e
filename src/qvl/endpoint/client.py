"""A model behind an OpenAI-style chat server: the own one, vLLM, llama.cpp, or a hosted one.

Owns: many requests at once, trying again, the deadlines, what a failed request becomes, counting.
Does not own: the JSON (``wire``), the connection (``http``).

    conversations -> requests, a few at a time -> GenerationResult or EndpointError for each
        -> all results, or SomeUnanswered with what there is

What is refused for good (key, model, address) would befall every request and is a `ConfigError`.
"""

import email.utils
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from qvl.endpoint.http import Address, ConnectionFailed, Response, Sockets, request
from qvl.endpoint.wire import EndpointError, error_text, read_answer, request_body
from qvl.errors import ConfigError, InputError, QvlError
from qvl.messages import Conversation, GenerationResult, SamplingParams

_PATH = "/chat/completions"
_FOR_GOOD = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    | {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.PAYMENT_REQUIRED}
)
# Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015): wait a random time up to
# a bound that doubles, so that clients which failed together do not come back together.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class SomeUnanswered(EndpointError):
    """Some conversations of a call got no answer.

    Attributes:
        results: for each conversation its answer, or what went wrong.
    """

    def __init__(self, results: Sequence[GenerationResult | QvlError]) -> None:
        self.results = tuple(results)
        failed = [result for result in results if isinstance(result, QvlError)]
        super().__init__(
            f"{len(failed)} of {len(results)} requests failed; the first: {failed[0].message}",
            hint=failed[0].hint,
        )


@dataclass(kw_only=True, slots=True)
class Usage:
    """What a client has asked for so far.

    Attributes:
        requests: sent, those sent again included.
        retries: of these, sent again.
        failed: conversations without an answer.
        prompt_tokens: as the server counts them.
        completion_tokens: as the server counts them.
    """

    requests: int = 0
    retries: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Asks a server; satisfies `qvl.messages.TextGenerator`, and may be used from many threads.

    Args:
        url: such as "http://127.0.0.1:8000/v1"; "/chat/completions" is put behind it.
        model: name by which the server knows the model.
        api_key: sent as a bearer token; never in a message of ours.
        concurrency: most requests at once.
        request_s: seconds that a request may take before it is tried again.
        call_s: seconds that a call of `generate` may take.
        most_tries: of a request.
        max_response_bytes: of an answer.

    Raises:
        ConfigError: the address is none, or a limit is not above 0.
    """

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    concurrency: int = 8
    request_s: float = 120.0
    call_s: float = 3600.0
    most_tries: int = 5
    max_response_bytes: int = 16 * 2**20
    usage: Usage = field(default_factory=Usage, init=False, compare=False)
    _address: Address = field(init=False, repr=False, compare=False)
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for name in ("concurrency", "request_s", "call_s", "most_tries", "max_response_bytes"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected more than 0")
        key = self.api_key
        if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key):
            raise ConfigError("the key has spaces around it, or characters a header cannot hold")
        object.__setattr__(self, "_address", Address.parse(self.url))

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        """Answers each conversation; results are in the order of the conversations.

        Raises:
            SomeUnanswered: some could not be answered; it holds the other answers.
            ConfigError: the server refuses the key, the model or the address.
        """
        results: list[GenerationResult | QvlError] = []
        call = _Call(deadline=time.monotonic() + self.call_s)
        pool = ThreadPoolExecutor(min(self.concurrency, max(1, len(conversations))))
        try:
            ask = partial(self._answered, params=params, call=call)
            results += pool.map(ask, conversations)
        finally:
            # On an error, or Ctrl-C, nothing more is sent and nobody waits for what was.
            call.end()
            pool.shutdown(wait=True, cancel_futures=True)
        failed = sum(isinstance(result, QvlError) for result in results)
        self._count(failed=failed)
        if failed:
            raise SomeUnanswered(results)
        return [result for result in results if isinstance(result, GenerationResult)]

    def _answered(
        self, conversation: Conversation, *, params: SamplingParams, call: "_Call"
    ) -> GenerationResult | QvlError:
        try:
            body = request_body(conversation, params, model=self.model)
            result = read_answer(self._sent(body, call).body)
        except (EndpointError, InputError) as error:
            return error
        except ConfigError:  # the others need not try
            call.end()
            raise
        self._count(prompt_tokens=result.prompt_tokens, completion_tokens=result.completion_tokens)
        return result

    def _sent(self, body: bytes, call: "_Call") -> Response:
        """The response of a request that succeeded, perhaps after several tries."""
        for attempt in range(self.most_tries):
            left = call.seconds_left()
            if left <= 0:
                raise EndpointError(f"not asked within the {self.call_s:g} s of the call")
            self._count(requests=1, retries=int(attempt > 0))
            wait_s = random.uniform(0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt))
            try:
                response = self._post(body, min(self.request_s, left), call.sockets)
            except ConnectionFailed as error:
                told = str(error)
            else:
                if response.status == HTTPStatus.OK:
                    return response
                told = self._refused(response)
                wait_s = asked_to_wait(response, otherwise=wait_s)
            if attempt + 1 == self.most_tries:
                break
            if wait_s >= call.seconds_left():
                raise EndpointError(f"no time to try again: {told}")
            if call.wait(wait_s):
                raise EndpointError("the call was ended")
        often = "once" if self.most_tries == 1 else f"{self.most_tries} times, at last"
        raise EndpointError(f"{self.url} failed {often}: {told}")

    def _post(self, body: bytes, seconds: float, sockets: Sockets) -> Response:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return request(
            "POST",
            self._address,
            _PATH,
            body,
            headers,
            seconds=seconds,
            max_bytes=self.max_response_bytes,
            sockets=sockets,
        )

    def _refused(self, response: Response) -> str:
        """What a response without an answer says, if it is worth trying again."""
        status = response.status
        told = f"status {status}: {self._without_key(error_text(response.body))}"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            return told
        if 300 <= status < 400:
            target = self._without_key(response.headers.get("location", "")[:200])
            raise ConfigError(
                f"{self.url} redirects to {target!r}, which is not followed",
                hint="give the address at which the server itself answers",
            )
        if status in _FOR_GOOD:
            raise ConfigError(f"{self.url} refuses the model {self.model!r} with {told}")
        raise EndpointError(told)

    def _without_key(self, text: str) -> str:
        """A server may repeat the key it was given."""
        return text.replace(self.api_key, "***") if self.api_key else text

    def _count(self, **counts: int) -> None:
        with self._lock:
            for name, count in counts.items():
                setattr(self.usage, name, getattr(self.usage, name) + count)


class _Call:
    """One call of `generate`: its deadline, its connections, and whether it is over."""

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        self._over = threading.Event()
        self.sockets = Sockets()

    def seconds_left(self) -> float:
        return 0.0 if self._over.is_set() else self._deadline - time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Waits, and returns whether the call is over."""
        return self._over.wait(seconds)

    def end(self) -> None:
        self._over.set()
        self.sockets.end()


def asked_to_wait(response: Response, *, otherwise: float) -> float:
    """Returns the seconds that the header Retry-After states; at least ``otherwise``, so that not
    all come back in the same moment. Source: RFC 9110, section 10.2.3: seconds, or a date.

    >>> asked_to_wait(Response(status=429, headers={"retry-after": "7"}, body=b""), otherwise=1)
    8.0
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value) + otherwise
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return otherwise
    return max(0.0, date.timestamp() - time.time()) + otherwise
