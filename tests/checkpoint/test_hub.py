"""From names to folders: local first, typed errors, no network needed for what is cached."""

import shutil
import socket
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.hub import resolve
from qvl.errors import CheckpointError
from tests.checkpoint.small import write_checkpoint

NAME = "Qwen/Qwen2.5-VL-3B-Instruct"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache; its folder of this model."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / ("models--" + NAME.replace("/", "--"))


def fill(cache: Path, *, shards: int = 1) -> Path:
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text(COMMIT)
    snapshot = cache / "snapshots" / COMMIT
    write_checkpoint(snapshot, shards=shards)
    return snapshot


def test_none_is_the_embedded_model() -> None:
    assert resolve(None) == EMBEDDED
    assert EMBEDDED.parent.name == "checkpoint"


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path)) == tmp_path


def test_a_folder_wins_over_a_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert resolve(NAME) == Path(NAME)


@pytest.mark.parametrize(
    "name",
    ["3b", "./models/mine", "/absent/folder", "a/b/c", "", "Qwen/../secret", "a" * 5000, "x/\0"],
)
def test_other_words_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="neither a folder") as caught:
        resolve(name)
    assert len(str(caught.value)) < 400


def test_names_the_hub_would_refuse(cache: Path) -> None:
    with pytest.raises(CheckpointError, match="not a name that the hub allows"):
        resolve("Qwen/a..b")


def test_a_path_is_never_taken_for_a_hub_name(cache: Path) -> None:
    fill(cache)
    with pytest.raises(CheckpointError, match="neither a folder"):
        resolve(Path(NAME))


def test_a_file_is_refused_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CheckpointError, match=f"give the folder it is in: {tmp_path}"):
        resolve(str(tmp_path / "model.safetensors"))


@pytest.mark.parametrize("shards", [1, 2])
def test_a_cached_model_needs_no_network(
    cache: Path, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = fill(cache, shards=shards)

    def refuse(*_: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert resolve(NAME) == snapshot
    assert resolve(NAME, revision=COMMIT) == snapshot


def test_without_cache_and_network_the_error_says_what_to_do(cache: Path) -> None:
    with pytest.raises(CheckpointError, match=f"run `hf download {NAME}`"):
        resolve(NAME)


def test_a_half_fetched_model_is_fetched_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    snapshot = fill(cache, shards=2)
    (snapshot / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="the download is incomplete"):
        resolve(NAME)

    calls = []

    def download(name: str, **options: object) -> str:
        calls.append(options)
        if options.get("local_files_only"):
            return str(snapshot)
        shutil.rmtree(snapshot)
        write_checkpoint(snapshot, shards=2)
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert resolve(NAME) == snapshot
    assert [call.get("local_files_only", False) for call in calls] == [True, False]
    patterns = calls[1]["allow_patterns"]
    assert "*.safetensors" in patterns
    assert not any("bin" in p or "py" in p for p in patterns)


def raise_on_download(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def download(name: str, **options: object) -> str:
        if options.get("local_files_only"):
            raise errors.LocalEntryNotFoundError("nothing here")
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)


def test_weights_are_fetched_only_if_needed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = fill(cache, shards=1)
    (snapshot / "model.safetensors").unlink()
    assert resolve(NAME, weights=False) == snapshot

    asked = []

    def download(name: str, **options: object) -> str:
        if options.get("local_files_only"):
            raise errors.LocalEntryNotFoundError("nothing here")
        asked.append(options["allow_patterns"])
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    resolve(NAME, weights=False)
    assert "*.json" in asked[0]
    assert not any("safetensors" in pattern for pattern in asked[0])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (errors.GatedRepoError, "needs permission; hint: accept its terms"),
        (errors.RepositoryNotFoundError, "the hub has no model"),
        (errors.RevisionNotFoundError, "has no revision 'v9'"),
        (errors.LocalEntryNotFoundError, "cannot be reached"),
        (errors.OfflineModeIsEnabled, "cannot be reached"),
        (errors.HfHubHTTPError, "could not be fetched"),
        (errors.HTTPError, "could not be fetched"),
        (errors.XetDownloadError, "could not be fetched"),
        (OSError, "could not be fetched"),
    ],
)
def test_every_failure_has_its_words(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception], words: str
) -> None:
    error = kind.__new__(kind)  # their constructors want a server's response
    Exception.__init__(error, "first line\nsecond line")
    raise_on_download(monkeypatch, error)
    with pytest.raises(CheckpointError, match=words) as caught:
        resolve(NAME, revision="v9")
    assert "\n" not in str(caught.value)
