"""Runs on Ray give the same bytes as runs in one process."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qvl.data.local import run_local
from qvl.data.ray import run_ray
from qvl.data.steps import filter_step
from qvl.errors import ConfigError, DataError, MissingDependencyError
from tests.data.pipelines import STEPS, shapes
from tests.data.test_run import SMALL, files


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'qvl[data]'")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
    )
    yield ray
    ray.shutdown()


def test_ray_and_local_give_the_same_bytes(ray: object, tmp_path: Path) -> None:
    one = run_local(shapes(35), STEPS, tmp_path / "local", options=SMALL)
    other = run_ray(shapes(35), STEPS, tmp_path / "ray", options=SMALL)
    assert files(tmp_path / "local") == files(tmp_path / "ray")
    assert (one.num_kept, one.dropped, one.num_failed) == (
        other.num_kept, other.dropped, other.num_failed,
    )  # fmt: skip
    assert run_ray(shapes(35), STEPS, tmp_path / "ray", options=SMALL).num_reused == 4


def test_errors_of_tasks_keep_their_type(ray: object, tmp_path: Path) -> None:
    def broken(sample: object) -> str | None:
        raise ConfigError("no such model")

    with pytest.raises(ConfigError, match="no such model"):
        run_ray(shapes(3), [filter_step("broken", broken)], tmp_path, options=SMALL)

    def bad(sample: object) -> str | None:
        raise ValueError("bad")

    strict = replace(SMALL, failure_budget=0.1)
    with pytest.raises(DataError, match="samples failed"):
        run_ray(shapes(9), [filter_step("bad", bad)], tmp_path / "b", options=strict)


def test_without_ray_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"need the package ray.*qvl\[data\]"):
        run_ray(shapes(3), [], tmp_path)
