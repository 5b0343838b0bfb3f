"""Finds the data files: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from edgeslm_agent.errors import EnvironmentProblem


@cache
def profiles_folder() -> Path:
    """Return the folder that holds devices/, recipes/, models/ and schema/.

    Raises EnvironmentProblem when the installation lost it.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_profiles", package.parent / "profiles"):
        if (folder / "schema").is_dir():
            return folder
    raise EnvironmentProblem(
        f"the device profiles are missing beside {package}",
        "install edgeslm again: `pip install --force-reinstall edgeslm`",
    )


def names_in(kind: str) -> tuple[str, ...]:
    """Return the names of the files of `kind` (devices, recipes, models); a file's name is its key."""
    return tuple(sorted(path.stem for path in (profiles_folder() / kind).glob("*.yaml")))
