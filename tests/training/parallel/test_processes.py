"""Ranks that something else started: whose turn it is before there is a group."""

import os
import socket
import time
from pathlib import Path

import torch.multiprocessing as mp

from qvl.training.parallel.processes import first_rank_first, started_ranks


def _rank(rank: int, folder: Path, port: int) -> None:
    os.environ |= {
        "WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    assert started_ranks() == 2
    with first_rank_first():
        if rank == 0:
            time.sleep(0.5)
            (folder / "looked").write_text("yes")
        (folder / f"found-{rank}").write_text((folder / "looked").read_text())


def test_the_others_find_what_the_first_rank_wrote(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_rank, (tmp_path, port), nprocs=2)
    assert {path.name for path in tmp_path.iterdir()} == {"looked", "found-0", "found-1"}


def test_alone_there_is_no_turn_to_wait_for() -> None:
    assert started_ranks() is None
    with first_rank_first():
        pass
