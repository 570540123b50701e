"""What holds for every test: seeded, one thread, no network, nobody's own cache or settings."""

import gc
import os
import random
import signal
import socket
import sys

# Set before torch or the hub client is imported by a test.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import hypothesis
import numpy as np
import pytest

# Speed is measured by benchmarks; a busy machine must not fail a test. In CI the same cases are
# tried every time, so that a change is judged by what it changes; new ones are found elsewhere.
hypothesis.settings.register_profile("qvl", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("qvl")

# A shell's background jobs ignore Ctrl-C, and all programs that tests start would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A script that needs TRL: it made the numbers that tests read.
collect_ignore = ["training/objectives/make_trl_vectors.py"]

SEED = 20250219
LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True, scope="module")
def _small_heap() -> None:
    """What other files have imported is not looked through again and again: a collection of
    everything takes seconds, which would count as a test's own."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 (libraries under test may use the global generator)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(SEED)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach the network: {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: object) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("QVL_MODEL", raising=False)
