"""Runs programs that a model wrote, with hardly any rights.

Owns: a folder that is thrown away, limits, reading what the program says, ending it with all its
children. Does not own giving up rights (``confinement``), nor the decision that code may be run:
`scoring.score_run` asks for it (`qvl eval --allow-code`).

    files, command -> Sandbox.run -> confined process -> Ran(exit code, output, how it ended)

A program has: no network at all, a clean environment, one folder it can write to, the system's
files and its tools to read but not the user's, so much time, memory for each process and output,
no way to signal or trace other processes or to leave its group, and no children unless allowed.
Where the kernel cannot give this, nothing is run.

It does not protect from: faults of the kernel; what can be measured from inside, such as times; a
disk filled up within the time; many processes at once where children are allowed and the user is
root, for whom the limit of processes does not hold. Code that is known to be hostile belongs into
a virtual machine.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from qvl.errors import ConfigError, MissingDependencyError

_CONFINE = Path(__file__).with_name("confinement.py")
_READABLE = (
    "/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt",
    "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf",
    "/etc/passwd", "/etc/php", "/etc/mono", "/etc/java-17-openjdk", "/etc/java-21-openjdk",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip
PYTHON = os.path.realpath(sys.executable)
"""The interpreter without what is installed for this project only."""
_WRITABLE = ("/dev/null", "/dev/zero", "/dev/full")
_DEVICES = (*_WRITABLE, "/dev/random", "/dev/urandom")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_CHILDREN = 64
_CHUNK = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a program may use.

    Attributes:
        seconds: by the clock, and of the processor.
        memory_bytes: that a process can write to.
        output_bytes: of both outputs together; more ends it.
        file_bytes: largest file it can write.
        may_fork: whether it may have children, as a shell needs.
        reserves_memory: whether it reserves much more address space than it uses, as virtual
            machines of languages do; then only writable memory is limited.
    """

    seconds: float = 10.0
    memory_bytes: int = 2 * 2**30
    output_bytes: int = 2**16
    file_bytes: int = 2**26
    may_fork: bool = False
    reserves_memory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What became of a program.

    Attributes:
        exit_code: negative for a signal, as in `subprocess`.
        output: what it wrote to standard output, up to the limit.
        errors: what it wrote to standard error, up to the limit.
        ended: by itself, or because it reached a limit.
        seconds: by the clock.
    """

    exit_code: int
    output: str
    errors: str
    ended: Literal["itself", "time", "output"]
    seconds: float

    @property
    def is_ok(self) -> bool:
        """Whether it ended by itself without an error."""
        return self.ended == "itself" and self.exit_code == 0

    @property
    def why(self) -> str:
        """How it ended, in a line."""
        if self.ended != "itself":
            return f"reached the limit of {self.ended}"
        if self.exit_code < 0:
            return f"ended by signal {-self.exit_code}"
        last = [line.strip() for line in self.errors.splitlines() if line.strip()][-1:]
        return f"exit {self.exit_code}" + (f": {last[0][:200]}" if last else "")


class Sandbox:
    """A folder in which programs run one after another; a context manager that throws it away.

    Args:
        files: content by name; a name is a file of the folder itself.

    Raises:
        ConfigError: this is not Linux, or a name is none.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        if not sys.platform.startswith("linux"):
            raise ConfigError(
                f"code of a model is run on Linux only, this is {sys.platform}",
                hint="score the run on a Linux machine: qvl eval score DIR --allow-code",
            )
        self._held = tempfile.TemporaryDirectory(prefix="qvl-sandbox-", ignore_cleanup_errors=True)
        self.folder = Path(self._held.name).resolve()
        for name, text in files.items():
            if Path(name).name != name:
                raise ConfigError(f"file of a sandbox is {name!r}, expected a plain name")
            (self.folder / name).write_text(text, encoding="utf-8", errors="replace")

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.cleanup()

    def run(
        self,
        command: Sequence[str],
        *,
        limits: Limits,
        readable: Sequence[str] = (),
    ) -> Ran:
        """Runs a command in the folder, confined.

        Args:
            command: path of a program, or the name of one that is installed, and arguments.
            limits: that hold for it.
            readable: places that it may read besides the system's and its own.

        Raises:
            MissingDependencyError: the program is not installed.
            ConfigError: the kernel cannot confine it.
        """
        program = find_program(command[0], self.folder)
        reading, writing = os.pipe()
        settings = {
            "pipe": writing,
            "limits": _resource_limits(limits),
            "readable": [*_READABLE, *_DEVICES, *readable, sys.base_prefix],
            "writable": [str(self.folder), *_WRITABLE],
            "may_fork": limits.may_fork,
            "environment": {
                "PATH": _PATH,
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "LANG": "C.UTF-8",
            },
        }
        try:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(_CONFINE)),
                    *(json.dumps(settings), program, *command[1:]),
                ],
                cwd=self.folder,
                env={"PATH": _PATH},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(writing,),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        ran = _watch(process, limits)
        with open(reading, "rb") as pipe:
            failed = pipe.read(1000).decode("utf-8", "replace")
        if failed:
            raise ConfigError(
                f"code of a model cannot be confined here: {failed}",
                hint="score the run elsewhere: qvl eval score DIR --allow-code",
            )
        return ran


def find_program(name: str, folder: Path) -> str:
    """The path of a program: in a sandbox's folder, an absolute one, or an installed one.

    Raises:
        MissingDependencyError: there is none.
    """
    inside = folder / name
    if "/" not in name and inside.is_file() and os.access(inside, os.X_OK):
        return str(inside)
    found = shutil.which(name, path=None if "/" in name else _PATH)
    if found is None:
        raise MissingDependencyError(
            f"running code of a model needs {name}, which is not installed in {_PATH}",
            hint="install it, or leave its language out",
        )
    return found


def _resource_limits(limits: Limits) -> dict[str, int]:
    found = {
        "RLIMIT_CPU": int(limits.seconds) + 2,
        "RLIMIT_DATA": limits.memory_bytes,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 256,
    }
    if not limits.reserves_memory:
        found["RLIMIT_AS"] = 2 * limits.memory_bytes
    if limits.may_fork:
        found["RLIMIT_NPROC"] = _tasks_of_user() + _CHILDREN
    return found


def _tasks_of_user() -> int:
    """Threads that the user has now; the limit counts them all."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                count += len(os.listdir(process / "task"))
        except OSError:
            continue  # it ended meanwhile
    return count


def _watch(process: "subprocess.Popen[bytes]", limits: Limits) -> Ran:
    """Reads what a process says until it ends or reaches a limit; ends its whole group."""
    began = time.monotonic()
    ended: Literal["itself", "time", "output"] = "itself"
    assert process.stdout is not None
    assert process.stderr is not None
    said: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    try:
        with selectors.DefaultSelector() as selector:
            for pipe in said:
                selector.register(pipe, selectors.EVENT_READ, said[pipe])
            while selector.get_map():
                left = began + limits.seconds - time.monotonic()
                if left <= 0:
                    ended = "time"
                    break
                for key, _ in selector.select(left):
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    key.data.extend(data)
                if sum(map(len, said.values())) > limits.output_bytes:
                    ended = "output"
                    break
        if ended == "itself":
            try:
                process.wait(max(0.0, began + limits.seconds - time.monotonic()))
            except subprocess.TimeoutExpired:
                ended = "time"
    finally:
        _end_group(process.pid)
        exit_code = process.wait()
        process.stdout.close()
        process.stderr.close()
    output, errors = (
        bytes(text[: limits.output_bytes]).decode("utf-8", "replace") for text in said.values()
    )
    return Ran(
        exit_code=exit_code,
        output=output,
        errors=errors,
        ended=ended,
        seconds=time.monotonic() - began,
    )


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(pid, signal.SIGKILL)
