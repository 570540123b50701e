"""Which tokens run next: first come first served, bounded steps, slots refilled."""

from qvl.inference.scheduler import ScheduledChunk, Scheduler
from qvl.inference.sequence import SequenceState
from qvl.messages import SamplingParams
from tests.inference.tiny import sequence


def scheduler(
    *, max_running: int = 4, max_step_tokens: int = 64, slots_bytes: int = 10**9
) -> Scheduler:
    return Scheduler(
        max_running=max_running,
        max_step_tokens=max_step_tokens,
        bytes_per_token=1000,
        budget_bytes=slots_bytes,
    )


def request(prompt: int, answer: int, index: int = 0) -> SequenceState:
    return sequence("x" * prompt, index=index, params=SamplingParams(max_tokens=answer))


def play(subject: Scheduler, token: int = 65) -> list[list[tuple[int, int, int]]]:
    """Runs to the end with a model that always says ``token``; returns (index, start, stop)."""
    steps = []
    while subject.num_requests:
        subject.new_cache()
        subject.admit()
        chunks = subject.next_step()
        assert chunks, "work is left, but nothing runs"
        steps.append([(c.sequence.index, c.start, c.stop) for c in chunks])
        due = [c.sequence for c in chunks if c.needs_token]
        for chunk in chunks:
            chunk.sequence.num_computed = chunk.stop
        for state in due:
            state.append(token, None)
            if state.finish_reason is not None:
                subject.finish(state)
    return steps


def test_prompt_then_tokens() -> None:
    subject = scheduler()
    subject.add(request(5, 3))
    assert play(subject) == [[(0, 0, 5)], [(0, 5, 6)], [(0, 6, 7)]]


def test_long_prompt_is_read_in_parts_beside_answers() -> None:
    subject = scheduler(max_step_tokens=10)
    subject.add(request(2, 5, index=0))
    subject.add(request(20, 1, index=1))
    steps = play(subject)
    assert steps == [
        [(0, 0, 2), (1, 0, 8)],
        [(0, 2, 3), (1, 8, 17)],
        [(0, 3, 4), (1, 17, 20)],
        [(0, 4, 5)],
        [(0, 5, 6)],
    ]


def test_freed_slot_is_taken_at_once() -> None:
    subject = scheduler(max_running=2)
    for index, answer in enumerate((1, 3, 2)):
        subject.add(request(4, answer, index=index))
    steps = play(subject)
    assert steps[0] == [(0, 0, 4), (1, 0, 4)]
    assert steps[1] == [(1, 4, 5), (2, 0, 4)]


def test_memory_bounds_the_slots() -> None:
    subject = scheduler(slots_bytes=64 * 1000)
    for index in range(3):
        subject.add(request(4, 2, index=index))
    assert max(len(step) for step in play(subject)) == 1


def test_longer_request_waits_for_a_new_cache() -> None:
    subject = scheduler(max_running=2)
    shapes = []
    for index, prompt in enumerate((4, 4)):
        subject.add(request(prompt, 2, index=index))
    shapes.append(subject.new_cache())
    subject.admit()
    subject.add(request(500, 2, index=2))
    assert subject.new_cache() is None, "the cache is in use"
    subject.admit()
    assert subject.num_waiting == 1
    assert [index for index, _, _ in play(subject)[-1]] == [2]
    assert shapes[0] is not None
    assert shapes[0].max_tokens == 64


def test_decoding_requests_stand_in_the_order_of_their_slots() -> None:
    subject = scheduler(max_running=3)
    for index, answer in enumerate((1, 9, 9, 9)):
        subject.add(request(4, answer, index=index))
    # Request 3 takes slot 0, which request 0 had.
    assert [index for index, _, _ in play(subject)[3]] == [3, 1, 2]


def test_needs_token_only_at_the_end_of_what_is_known() -> None:
    state = request(8, 2)
    assert not ScheduledChunk(sequence=state, start=0, stop=4).needs_token
    assert ScheduledChunk(sequence=state, start=4, stop=8).needs_token
