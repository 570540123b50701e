"""A server may do what it likes: every conversation gets its answer or a typed error, in time."""

import contextlib
import itertools
import json
import pickle
import re
import socket
import threading
import time
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.endpoint.client import Endpoint, SomeUnanswered
from qvl.endpoint.wire import EndpointError, read_answer
from qvl.errors import ConfigError, InputError, QvlError
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams
from tests.endpoint.bad_server import Reply, Server, answer, replying, sending, serving

GREEDY = SamplingParams(max_tokens=20)
KEY = "sk-secret-12345"


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.endpoint.client._FIRST_WAIT_S", 0.01)


def asked(server: Server, *, count: int = 1, **options: Any) -> list[GenerationResult | QvlError]:
    """What becomes of so many questions."""
    endpoint = Endpoint(url=server.url, model="m", **{"request_s": 5.0, "call_s": 20.0, **options})
    questions = [Conversation.user(f"Question {number}") for number in range(count)]
    try:
        return list(endpoint.generate(questions, GREEDY))
    except SomeUnanswered as error:
        return list(error.results)


def test_answers_come_in_the_order_of_the_questions() -> None:
    at_once, most_at_once, lock = 0, 0, threading.Lock()

    def echo(connection: socket.socket, request: dict[str, Any]) -> None:
        nonlocal at_once, most_at_once
        question = request["messages"][0]["content"]
        with lock:
            at_once += 1
            most_at_once = max(most_at_once, at_once)
        time.sleep(0.05 if question.endswith(("0", "3")) else 0)
        with lock:  # before the reply: after it the client may ask the next
            at_once -= 1
        replying(answer(question))(connection, request)

    with serving(echo) as server:
        endpoint = Endpoint(url=server.url, model="m", concurrency=3, api_key=KEY)
        questions = [Conversation.user(f"Question {number}") for number in range(12)]
        results = endpoint.generate(questions, GREEDY)
    assert [result.text for result in results] == [f"Question {number}" for number in range(12)]
    assert 1 < most_at_once <= 3
    assert (results[0].prompt_tokens, results[0].completion_tokens) == (7, 2)
    assert (endpoint.usage.requests, endpoint.usage.retries) == (12, 0)
    assert (endpoint.usage.prompt_tokens, endpoint.usage.completion_tokens) == (84, 24)
    assert f"Authorization: Bearer {KEY}" in server.heads[0]
    assert server.requests[0]["model"] == "m"
    assert server.requests[0]["max_tokens"] == 20


@pytest.mark.parametrize(
    "bad",
    [
        replying({"error": {"message": "busy"}}, status=429),
        replying({}, status=500),
        replying(b"<html>bad gateway</html>", status=502),
        sending(b""),  # closes without a word
        sending(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),  # cut off
        sending(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a'),
        sending(b"\x00\x01\x02 no HTTP at all\r\n\r\n"),
        sending(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n"),
        sending(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"),
    ],
)
def test_what_may_pass_is_tried_again(bad: Reply) -> None:
    with serving(iter([bad, bad, replying(answer("At last."))])) as server:
        (result,) = asked(server)
        assert isinstance(result, GenerationResult), result
        assert result.text == "At last."
    with serving(bad) as server:
        (result,) = asked(server, most_tries=3)
        assert isinstance(result, EndpointError)
        assert re.match(r"http://127\.0\.0\.1:\d+\S* failed 3 times", result.message)
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 408, 409, 413, 422])
def test_what_is_wrong_with_a_request_is_not_tried_again(status: int) -> None:
    reply = replying({"error": {"message": "too\nlong", "code": 7}}, status=status)
    with serving(reply) as server:
        (result,) = asked(server)
    assert isinstance(result, EndpointError)
    assert result.message == f"status {status}: too long"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_is_wrong_with_all_requests_ends_the_call(status: int) -> None:
    reply = replying({"error": f"not you, {KEY}"}, status=status)
    with serving(reply) as server, pytest.raises(ConfigError) as caught:
        asked(server, count=50, concurrency=2, api_key=KEY)
    assert len(server.requests) <= 4
    assert KEY not in str(caught.value)
    assert "***" in str(caught.value)


def test_redirects_are_not_followed() -> None:
    with serving(replying(answer())) as other:
        reply = replying(b"", status=307, headers=f"Location: {other.url}\r\n")
        with serving(reply) as server, pytest.raises(ConfigError, match="redirects to"):
            asked(server, api_key=KEY)
        assert not other.requests


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(replying(answer())) as server:
        assert isinstance(asked(server)[0], GenerationResult)


def test_a_server_says_when_to_come_back() -> None:
    soon = replying({}, status=429, headers="Retry-After: 1\r\n")
    with serving(iter([soon, replying(answer())])) as server:
        start = time.monotonic()
        assert isinstance(asked(server)[0], GenerationResult)
        assert time.monotonic() - start >= 1
    for late in ("86400", formatdate(time.time() + 3600, usegmt=True)):
        reply = replying({}, status=503, headers=f"Retry-After: {late}\r\n")
        with serving(reply) as server:
            start = time.monotonic()
            (result,) = asked(server)
            assert time.monotonic() - start < 2
        assert isinstance(result, EndpointError)
        assert "no time to try again: status 503" in result.message
    for odd in ("soon", "-1", "1e9", "", "9" * 400, "Thu, 99 Foo 2020"):
        reply = replying({}, status=503, headers=f"Retry-After: {odd}\r\n")
        with serving(iter([reply, replying(answer())])) as server:
            assert isinstance(asked(server)[0], GenerationResult), odd


def _drip(connection: socket.socket, request: dict[str, Any], *, head: bool) -> None:
    """A byte every now and then, which keeps every timeout of a single read from running out."""
    start = b"HTTP/1.1 200 OK\r\n" if head else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
    connection.sendall(start)
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("head", [True, False])
def test_a_server_that_drips_is_left_in_time(head: bool) -> None:
    with serving(partial(_drip, head=head)) as server:
        start = time.monotonic()
        (result,) = asked(server, request_s=0.4, most_tries=2)
        assert time.monotonic() - start < 3
    assert isinstance(result, EndpointError)
    assert "no whole response in 0.4 s" in result.message


def test_a_call_ends_in_time() -> None:
    def slow(connection: socket.socket, request: dict[str, Any]) -> None:
        time.sleep(0.3)
        replying(answer())(connection, request)

    with serving(slow) as server:
        start = time.monotonic()
        results = asked(server, count=20, concurrency=2, call_s=1.0)
        assert time.monotonic() - start < 3
    kinds = [type(result) for result in results]
    assert kinds.count(GenerationResult) >= 4
    assert kinds.count(EndpointError) >= 10
    assert "not asked within the 1 s" in str(results[-1])


def test_responses_are_bounded() -> None:
    def flood(connection: socket.socket, request: dict[str, Any]) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(b" " * 65536)

    with serving(flood) as server:
        (result,) = asked(server, max_response_bytes=200_000, most_tries=1)
    assert isinstance(result, EndpointError)
    assert "more than 200,000 bytes" in result.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no JSON: 0 bytes"),
        (b"<html>", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"choices": [{"mess', "is no JSON"),
        ([], "is a list"),
        ({}, "has no choices"),
        ({"error": {"message": "overloaded"}}, "has no choices: overloaded"),
        ({"choices": []}, "has no choices"),
        ({"choices": [3]}, "has no choices"),
        (answer(finish_reason="content_filter"), "ended by 'content_filter'"),
        (answer(finish_reason=None), "ended by None"),
        (answer(finish_reason=["stop"]), "ended by ['stop']"),
        (answer(message=None), "message is None"),
        (answer(message={}), "neither content nor tool calls"),
        (answer(message={"content": [1]}), "content is [1]"),
        (answer(message={"content": None, "tool_calls": [{}]}), "calls {}"),
    ],
)
def test_answers_that_are_none_are_named(body: object, says: str) -> None:
    with serving(replying(body)) as server:
        (result,) = asked(server)
        assert len(server.requests) == 1
    assert isinstance(result, EndpointError)
    assert says in result.message


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["choices", "message", "content", "finish_reason", "tool_calls"]
                    )
                    | st.sampled_from(["usage", "prompt_tokens", "function", "arguments", "error"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_body_is_an_answer_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(EndpointError):
        assert isinstance(read_answer(body), GenerationResult)


def test_one_bad_conversation_costs_only_itself() -> None:
    def picky(connection: socket.socket, request: dict[str, Any]) -> None:
        bad = "2" in request["messages"][0]["content"]
        reply = replying({"error": "bad"}, status=400) if bad else replying(answer())
        reply(connection, request)

    with serving(picky) as server:
        endpoint = Endpoint(url=server.url, model="m")
        questions = [Conversation.user(f"Question {number}") for number in range(4)]
        questions.append(Conversation.user(Image(b"no picture"), "What is it?"))
        with pytest.raises(
            SomeUnanswered, match="2 of 5 requests failed; the first: status 400"
        ) as e:
            endpoint.generate(questions, GREEDY)
    good = [isinstance(result, GenerationResult) for result in e.value.results]
    assert good == [True, True, False, True, False]
    assert isinstance(e.value.results[4], InputError)
    assert endpoint.usage.failed == 2
    assert len(server.requests) == 4


def test_nobody_home() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    endpoint = Endpoint(url=url, model="m", most_tries=2)
    with pytest.raises(SomeUnanswered, match="refused"):
        endpoint.generate([Conversation.user("Hi.")], GREEDY)


def test_a_server_that_lets_nobody_in_is_left_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.endpoint.http._CONNECT_S", 0.3)
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than its queue holds
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(SomeUnanswered, match=r"no connection in 0\.3 s"):
            Endpoint(url=url, model="m", most_tries=2).generate([Conversation.user("Hi.")], GREEDY)
    assert time.monotonic() - start < 5


def test_a_finish_reason_keeps_its_meaning() -> None:
    reasons = {"stop": "stop", "length": "length", "tool_calls": "stop"}
    for told, meant in reasons.items():
        with serving(replying(answer(finish_reason=told))) as server:
            (result,) = asked(server)
        assert isinstance(result, GenerationResult)
        assert result.finish_reason == meant


def test_a_call_that_is_ended_leaves_no_threads_behind() -> None:
    def never(connection: socket.socket, request: dict[str, Any]) -> None:
        time.sleep(30)

    replies = itertools.chain([replying({}, status=401)], itertools.repeat(never))
    with serving(replies) as server:
        start = time.monotonic()
        with pytest.raises(ConfigError):
            asked(server, count=6, concurrency=6, request_s=20.0)
        assert time.monotonic() - start < 3
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:80", "ftp://a/b", "http://", "http://a:99999/", "http://[::1/"),
        *("http://a/?x=1", "http://user:pw@a/", "http://a/ b", "http://a/\r\nX: y", "http://ä/"),
    ],
)
def test_bad_addresses_are_named(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(url=url, model="m")
    assert "pw" not in str(caught.value)


def test_bad_options_are_named() -> None:
    for options in ({"concurrency": 0}, {"request_s": -1}, {"call_s": float("nan")}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            Endpoint(url="http://a", model="m", **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as caught:
        Endpoint(url="http://a", model="m", api_key=KEY + "\r\nX-Evil: 1")
    assert KEY not in str(caught.value)


def test_the_key_is_shown_nowhere() -> None:
    endpoint = Endpoint(url="http://a", model="m", api_key=KEY)
    assert KEY not in repr(endpoint)
    make = partial(Endpoint, url="http://a", model="m")
    assert pickle.loads(pickle.dumps(make))().url == "http://a"


def test_no_conversations_are_no_work() -> None:
    assert Endpoint(url="http://127.0.0.1:9", model="m").generate([], GREEDY) == []
