"""What programs of a model can do in a sandbox, and what they cannot: each is tried."""

import os
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qvl.errors import ConfigError, MissingDependencyError
from qvl.evaluation import confinement
from qvl.evaluation.sandbox import PYTHON, Limits, Ran, Sandbox, find_program

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="programs are confined on Linux only"
)


TRY_EACH = """
import os, resource, signal, subprocess
for name, code in {ways!r}.items():
    try:
        exec(code)
        print(name, 'worked')
    except OSError as error:
        print(name, error.strerror, sep=': ')
"""


def _python(code: str, **limits: object) -> Ran:
    with Sandbox({"a.py": code}) as box:
        return box.run([PYTHON, "-I", "a.py"], limits=Limits(**limits))  # type: ignore[arg-type]


def test_a_program_works_in_its_folder_and_leaves_nothing() -> None:
    with Sandbox(
        {"a.py": "open('b', 'w').write('1'); print(open('b').read(), *__import__('os').environ)"}
    ) as box:
        folder = box.folder
        ran = box.run([PYTHON, "-I", "a.py"], limits=Limits())
        again = box.run([PYTHON, "-I", "-c", "print(open('b').read())"], limits=Limits())
    assert ran.is_ok
    # Nothing of our environment.
    assert ran.output.split() == ["1", "PATH", "HOME", "TMPDIR", "LANG"]
    assert again.output == "1\n"
    assert not folder.exists()


def test_it_reaches_no_network() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)\nprint('out')"
        assert subprocess.run([PYTHON, "-I", "-c", code], capture_output=True).returncode == 0
        ran = _python(code)
    assert not ran.is_ok
    assert "Operation not permitted" in ran.errors
    # Nor with a socket that it may have.
    local = _python("import socket\na, b = socket.socketpair()\na.sendto(b'', '/dev/log')")
    assert "Operation not permitted" in local.errors


def test_it_reads_and_writes_no_files_of_the_user(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    ways = {
        "open": f"print(open({str(secret)!r}).read())",
        "link": f"import os; os.symlink({str(secret)!r}, 'x'); print(open('x').read())",
        "hard link": f"import os; os.link({str(secret)!r}, 'y'); print(open('y').read())",
        "listing": f"import os; print(os.listdir({str(tmp_path)!r}))",
        "another process": f"print(open('/proc/{os.getpid()}/environ').read())",
        "cutting": f"open({str(secret)!r}, 'w')",
        "removing": f"import os; os.remove({str(secret)!r})",
        "beside": f"open({str(tmp_path / 'new')!r}, 'w')",
        "devices": "os.listdir('/dev')",
    }
    ran = _python(TRY_EACH.format(ways=ways))
    assert "swordfish" not in ran.output
    outcomes = dict(line.split(": ") for line in ran.output.splitlines())
    assert outcomes.pop("hard link") in ("Permission denied", "Invalid cross-device link")
    assert outcomes == {name: "Permission denied" for name in ways if name != "hard link"}
    assert secret.read_text() == "swordfish"
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


def test_it_touches_no_other_process() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        ways = {
            "kill": f"os.kill({sleeper.pid}, 9)",
            "pidfd": f"signal.pidfd_send_signal(os.pidfd_open({sleeper.pid}), 9)",
            "prlimit": f"resource.prlimit({sleeper.pid}, resource.RLIMIT_CPU, (0, 0))",
            "group": "os.kill(0, 9)",
            "setsid": "os.setsid()",
            "setpgid": "os.setpgid(0, 0)",
            "fork": "os.fork()",
            "socket": "import socket; socket.socket(socket.AF_UNIX)",
            "program": "subprocess.run(['true'])",
        }
        ran = _python(TRY_EACH.format(ways=ways))
        assert set(ran.output.splitlines()) == {f"{name}: Operation not permitted" for name in ways}
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()
    assert _python("import os; os.kill(os.getpid(), 9)").exit_code == -9
    threads = "import threading\nt = threading.Thread(target=print, args=(1,))\nt.start(); t.join()"
    assert _python(threads).output == "1\n"


def test_it_ends_at_its_limits() -> None:
    began = time.monotonic()
    endless = _python("while True: pass", seconds=1.0)
    assert (endless.ended, endless.why) == ("time", "reached the limit of time")
    # It cannot close its outputs and go on.
    silent = _python("import os, time\nos.close(1); os.close(2)\ntime.sleep(60)", seconds=1.0)
    assert silent.ended == "time"
    loud = _python("while True: print('a' * 1000)", output_bytes=5000)
    assert loud.ended == "output"
    assert len(loud.output) <= 5000
    assert time.monotonic() - began < 20
    assert "MemoryError" in _python("bytearray(2**30)", memory_bytes=2**28).why
    full = _python("open('x', 'wb').write(b'a' * 2**22)", file_bytes=2**20)
    assert not full.is_ok


def test_children_are_ended_with_it(tmp_path: Path) -> None:
    code = (
        "setsid sleep 30 && echo away; (while true; do echo $$; sleep 0.1; done) & disown; echo ok"
    )
    with Sandbox({"a.sh": code}) as box:
        ran = box.run(["bash", "a.sh"], limits=Limits(may_fork=True, seconds=2.0))
        held = str(box.folder)
    assert "ok" in ran.output
    assert "away" not in ran.output
    assert "Operation not permitted" in ran.errors  # of setsid, which would leave the group
    for process in Path("/proc").glob("[0-9]*"):
        try:
            assert os.readlink(process / "cwd") != held
        except OSError:
            continue


def test_where_it_cannot_be_confined_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "confinement.py"
    source = Path(confinement.__file__).read_text()
    broken.write_text(source.replace("if version < 1:", "if True:"))
    monkeypatch.setattr("qvl.evaluation.sandbox._CONFINE", broken)
    with pytest.raises(ConfigError, match=r"cannot be confined here: .*Landlock"):
        _python("print('ran')")


def test_a_program_cannot_pretend_that_it_was_not_confined() -> None:
    code = "import os\nfor fd in range(3, 256):\n try: os.write(fd, b'no')\n except OSError: pass"
    assert _python(code).ended == "itself"


def test_what_is_wrong_with_a_sandbox_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingDependencyError, match="needs rust-nine, which is not installed"):
        find_program("rust-nine", tmp_path)
    with pytest.raises(ConfigError, match="expected a plain name"):
        Sandbox({"../a.py": ""})
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigError, match="Linux only, this is darwin"):
        Sandbox({})
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no filter of system calls for riscv64"):
        confinement.filter_program(1, may_fork=False)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("may_fork", [False, True])
def test_every_jump_of_the_filter_lands_inside_it(
    machine: str, may_fork: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    steps = confinement.filter_program(7, may_fork=may_fork)
    for place, (code, yes, no, _) in enumerate(steps):
        if code not in (confinement._RETURN, confinement._LOAD):
            assert max(place + 1 + yes, place + 1 + no) < len(steps)
    assert steps[-1][0] == confinement._RETURN
    assert len(steps) < 4096  # BPF_MAXINSNS
