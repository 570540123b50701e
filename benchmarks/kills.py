"""Kills ``qvl data run`` with SIGKILL at random moments and compares what it ends with.

    python benchmarks/kills.py                      # twenty kills, grounding, 400 samples
    python benchmarks/kills.py --recipe maths --processes 2 --seed 3

A run without a kill tells how long a start and a shard take. Then the same command is started again
and again, and killed at random: a quarter of the times while it starts, else within three shards
from its first file on, while it draws, or writes a shard, its index or its marker. These are
started as a fork of this process, which has imported everything. After the last kill the run goes
on to its end. Every shard and index must have the bytes of the run that was never killed.
"""

import argparse
import hashlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qvl.cli.main import main as run_command
from qvl.recipes.data_recipes import DATA_RECIPES


def main() -> int:
    """Prints a line for each kill, and the verdict as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="grounding", choices=DATA_RECIPES)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--per-shard", type=int, default=10)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        calm, killed = Path(name, "calm"), Path(name, "killed")
        start_s, shard_s = _uninterrupted(_command(args, calm), calm)
        print(f"a start takes {start_s:.1f} s, a shard {shard_s:.2f} s", flush=True)
        moments = _killed(args, killed, start_s=start_s, shard_s=shard_s)
        if _waited(_forked(_command(args, killed)[3:]), math.inf) != 0:
            raise SystemExit(f"the run does not go on in {killed}")
        one, other = _hashes(calm), _hashes(killed)
        left = sorted(str(path.relative_to(killed)) for path in killed.rglob(".*.part"))
    verdict = {
        "kills": len(moments),
        "after_s": moments,
        "shards": sum(name.endswith(".tar") for name in one),
        "same": one == other,
        "differ": sorted(set(one.items()) ^ set(other.items()))[:5],
        "left_behind": left,
    }
    print(json.dumps(verdict, indent=2))
    return 0 if one == other and not left and len(moments) == args.kills else 1


def _command(args: argparse.Namespace, folder: Path) -> list[str]:
    run = [sys.executable, "-m", "qvl.cli.main", "data", "run", args.recipe, "-o", str(folder)]
    sizes = ["--limit", str(args.limit), "--per-shard", str(args.per_shard)]
    return [*run, *sizes, "--processes", str(args.processes)]


def _uninterrupted(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds to the first shard, and from one to the next."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = 0.0
    while process.poll() is None:
        if not first and _num_done(folder):
            first = time.monotonic() - begin
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    parts = _num_done(folder)
    return first, (time.monotonic() - begin - first) / max(1, parts - 1)


def _killed(
    args: argparse.Namespace, folder: Path, *, start_s: float, shard_s: float
) -> list[float]:
    """Starts and kills; returns after how many seconds each time."""
    chance = random.Random(args.seed)
    moments: list[float] = []
    while len(moments) < args.kills:
        begin, clock = time.monotonic(), time.time()
        if chance.random() < 0.25:
            pid = _started(_command(args, folder))
            code = _waited(pid, chance.uniform(0, start_s))
        else:
            pid = _forked(_command(args, folder)[3:])
            while (code := _waited(pid, 0.002)) is None and not _writes_since(folder, clock):
                pass
            if code is None:
                code = _waited(pid, chance.uniform(0, 3 * shard_s))
        if code is not None:
            if code == 0:
                print("it ended before all kills: give it a larger --limit", flush=True)
                break
            time.sleep(2)  # processes of the run before still hold the folder, and soon end
            continue
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        moments.append(round(time.monotonic() - begin, 2))
        unfinished = len(list(folder.rglob(".*.part")))
        print(
            f"kill {len(moments)} after {moments[-1]:.2f} s: {_num_done(folder)} shards done, "
            f"{unfinished} files half written",
            flush=True,
        )
    return moments


def _started(command: list[str]) -> int:
    """The process of a command."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    return os.posix_spawn(command[0], command, os.environ, file_actions=quiet)


def _forked(arguments: list[str]) -> int:
    """A process that runs the command line at once, without importing it first."""
    pid = os.fork()
    if pid:
        return pid
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os._exit(run_command(arguments))


def _waited(pid: int, seconds: float) -> int | None:
    """The exit code of a process if it ends in time."""
    stop = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= stop:
            return None
        time.sleep(0.002)


def _writes_since(folder: Path, clock: float) -> bool:
    """Whether a shard is being written by a process that was started at that time."""
    for part in folder.glob(".*.part"):
        try:
            if part.stat().st_mtime >= clock:
                return True
        except FileNotFoundError:  # finished, or cleared away
            continue
    return False


def _num_done(folder: Path) -> int:
    return len(list((folder / "parts").glob("[0-9]*.json")))


def _hashes(folder: Path) -> dict[str, str]:
    """Of all files but those that hold times: markers, and the record of what made the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "parts" and path.name not in ("run.json", ".lock")
    }


if __name__ == "__main__":
    sys.exit(main())
