"""The tasks of MiniWoB++: pages that the package ``miniwob`` brings.

Owns: where they are, which there are. Does not own: opening them (``screen``).

    installed package -> html folder -> names -> address of a page

The package is found, never imported: its Python is about Selenium, and its pages need none of it.
"""

from importlib.util import find_spec
from pathlib import Path

from qvl.errors import ConfigError, MissingDependencyError
from qvl.options import nearest

REAL_TIME = ("button-delay", "chase-circle", "hover-shape", "moving-items", "simon-says")
"""Pages that go on by themselves while a model thinks. The package registers no environment for
them, and they are run when they are named only. Source: miniwob 1.1.0, envs/miniwob_envs.py."""
ALL = "all"


def html_folder() -> Path:
    """Returns the folder of all pages, their scripts and pictures.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    spec = find_spec("miniwob")
    places = spec.submodule_search_locations if spec is not None else None
    for place in places or ():
        folder = Path(place) / "html"
        if (folder / "core" / "core.js").is_file():
            return folder
    raise MissingDependencyError(
        "MiniWoB++ needs the package miniwob for its pages", hint="pip install --no-deps miniwob"
    )


def task_names(wanted: str = ALL) -> list[str]:
    """Returns tasks in the order they are named, each once.

    Args:
        wanted: names with commas between them, or "all" for those that wait for the model.

    Raises:
        ConfigError: a name is unknown, or there is none.
        MissingDependencyError: the package is not installed.
    """
    known = sorted(path.stem for path in (html_folder() / "miniwob").glob("*.html"))
    if wanted.strip() == ALL:
        return [name for name in known if name not in REAL_TIME]
    names = list(dict.fromkeys(name.strip() for name in wanted.split(",") if name.strip()))
    for name in names:
        if name not in known:
            hint = nearest(name, known, else_list=False) or f"for example {', '.join(known[:5])}"
            raise ConfigError(f"no task of MiniWoB++ is named {name!r}", hint=hint)
    if not names:
        raise ConfigError("no task was named", hint="click-test,enter-text, or all")
    return names


def address(task: str) -> str:
    """Returns the address of a task's page."""
    return (html_folder() / "miniwob" / f"{task}.html").as_uri()
