"""What quality is measured on: a text, or tasks with their expected answers; the user's, the model's own, or a default.

A tasks file is JSON lines: `{"prompt": "...", "expected": ...}`, where `expected` is a string or any JSON value.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILE_BYTES = 64 * 2**20
DEFAULT_TEXT = Path(__file__).with_name("default_text.txt")
CALIBRATION_TEXT = Path(__file__).with_name("calibration_text.txt")
CALIBRATION_SHARE = 4  # one paragraph or task of so many calibrates when data are split
_Block = TypeVar("_Block")


@dataclass(frozen=True)
class Task:
    """One prompt and the answer that counts as right: a string, or a JSON value compared as a value."""

    prompt: str
    expected: Any

    @property
    def answer(self) -> str:
        """The expected answer as a model writes it: JSON without spaces, in the order of the file."""
        if isinstance(self.expected, str):
            return self.expected
        return json.dumps(self.expected, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Dataset:
    """`name` says in words what the figures rest on; exactly one of `text` and `tasks` holds data."""

    name: str
    text: str = ""
    tasks: tuple[Task, ...] = ()

    @property
    def json_tasks(self) -> bool:
        """Whether the answers are JSON values."""
        return any(not isinstance(task.expected, str) for task in self.tasks)

    def split(self) -> tuple[Dataset, Dataset]:
        """Return what calibrates and what judges: every fourth paragraph (or line, or task), and the rest.

        Raises UsageError when there are too few of them.
        """
        texts, tasks = _every_fourth(_blocks(self.text) if self.text else []), _every_fourth(self.tasks)
        if not texts[0] and not tasks[0]:
            raise UsageError(
                f"{self.name} is too short to calibrate on a part and judge by the rest",
                "give a longer one, or other data to calibrate on with --calibration",
            )
        mine = Dataset(f"a quarter of {self.name}", "".join(texts[0]), tuple(tasks[0]))
        return mine, Dataset(f"three quarters of {self.name}", "".join(texts[1]), tuple(tasks[1]))


def default_text() -> Dataset:
    """Return the short English text that ships with edgeslm, for users who bring no data."""
    return Dataset(
        "the default text of edgeslm (general English; bring your own with --text or --tasks)",
        text=DEFAULT_TEXT.read_text("utf-8"),
    )


def calibration_text() -> Dataset:
    """Return another short text that ships with edgeslm: what calibrates where the default text judges."""
    return Dataset("the calibration text of edgeslm (general English)", text=CALIBRATION_TEXT.read_text("utf-8"))


def read_text(path: Path) -> Dataset:
    """Read a user's text.

    Raises UsageError when the file is missing, empty, not UTF-8, or larger than 64 MiB.
    """
    text = _read(path)
    if not text.strip():
        raise UsageError(f"{path} is empty", "give a text of a few thousand words of the kind the model will see")
    return Dataset(f"text {path.name}", text=text)


def read_tasks(path: Path, name: str = "") -> Dataset:
    """Read a tasks file.

    Raises UsageError when it cannot be read, ConfigError with every bad line when its content is wrong.
    """
    tasks, problems = [], []
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip():
            continue
        parsed = _parse_task(line)
        if isinstance(parsed, Task):
            tasks.append(parsed)
        else:
            problems.append(f"{path}:{number}: {parsed}")
    if not tasks and not problems:
        problems.append(f"{path}:1: no tasks")
    if problems:
        raise ConfigError(f"{path} is not a tasks file", 'one {"prompt": "...", "expected": ...} a line', problems[:20])
    return Dataset(name or f"tasks {path.name}", tasks=tuple(tasks))


def _parse_task(line: str) -> Task | str:
    try:
        entry = json.loads(line)
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(entry, dict):
        return "not an object"
    missing = [key for key in ("prompt", "expected") if key not in entry]
    if missing:
        return f"lacks {' and '.join(missing)}"
    if not isinstance(entry["prompt"], str) or not entry["prompt"]:
        return "prompt is not a text"
    return Task(entry["prompt"], entry["expected"])


def _blocks(text: str) -> list[str]:
    """Cut a text after its blank lines, or after its lines where it has few; joined again they are the text."""
    paragraphs = re.split(r"(?<=\n\n)(?!\n)", text)
    return paragraphs if len(paragraphs) >= CALIBRATION_SHARE else text.splitlines(keepends=True)


def _every_fourth(blocks: Sequence[_Block]) -> tuple[Sequence[_Block], Sequence[_Block]]:
    rest = [block for index, block in enumerate(blocks, 1) if index % CALIBRATION_SHARE]
    return blocks[CALIBRATION_SHARE - 1 :: CALIBRATION_SHARE], rest


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", "a few thousand lines are enough")
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error}", "save it as UTF-8") from error
