"""The only module that prints: results on stdout, the story on stderr, progress bars on terminals only."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgeslm_agent.errors import EdgeSLMError


def result(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # what a child process prints next must come after it


def story(text: str) -> None:
    """Print a line about what is going on."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def document(schema: str, body: Any) -> None:  # noqa: ANN401 - a mapping or a dataclass
    """Print one JSON document with its schema, for example `edgeslm.plan/1`; dataclasses may stand anywhere inside."""
    sys.stdout.write(json.dumps({"schema": schema, **_plain(body)}, ensure_ascii=False, default=_plain) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table; columns that hold only numbers are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    view = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = all(row[index][:1].isdigit() or row[index] in {"", "-"} for row in rows)
        view.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        view.add_row(*row)
    width = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, width=width, highlight=False, markup=False).print(view)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while the block runs; yields `advance(by)`. Elsewhere one line says what began."""
    if not sys.stderr.isatty():
        story(f"{label} ...")
        yield lambda _by: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda by: bar.advance(task, by)


def failure(error: EdgeSLMError, *, as_json: bool) -> None:
    """Print an error with its hint: as a sentence on stderr, or as a document on stdout."""
    if as_json:
        body = {
            "error": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        details = {name: list(getattr(error, name)) for name in ("reasons", "problems") if hasattr(error, name)}
        document("edgeslm.error/1", body | details)
        return
    story(f"edgeslm: {error}")
    if error.hint:
        story(f"  hint: {error.hint}")


def discard_stdout() -> None:
    """Stop writing to a closed pipe, so that the interpreter's own flush at exit stays silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever json cannot write itself
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value
