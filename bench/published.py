"""Reads a table of published speeds (the format of published-speeds.yaml), every problem of it at once, with its line.

A row needs `id`, `device` and `runtime`; everything else may be missing, and what is unknown is left alone. `python
-m bench.published FILE` writes bench/published-speeds.yaml, the rows that predictions start from, without what they
do not use.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KNOWN = Path(__file__).resolve().parent / "published-speeds.yaml"
LIMIT_BYTES = 16 * 2**20
NAMES = ("id", "device", "runtime")
TEXTS = (*NAMES, "model", "quant", "backend", "use")
NUMBERS = (
    *("params_b", "decode_tok_s", "prefill_tok_s", "prompt_tokens", "gen_tokens", "weight_bytes", "file_gb", "file_mb"),
    *("file_mib", "peak_mem_mb", "peak_mem_mib"),
)
USED = (*TEXTS, *NUMBERS, "threads", "gpu_layers", "tags", "source")


@dataclass(frozen=True, eq=False)
class Row:
    """One published measurement; `values` as the file gives them. Equal to itself alone: it is one line of one file."""

    line: int
    values: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The row's name in its file."""
        return str(self.values["id"])

    @property
    def group(self) -> tuple[str, str]:
        """What is scored together: the board and its runtime."""
        return str(self.values["device"]), str(self.values["runtime"])

    @property
    def is_probe(self) -> bool:
        """Whether the file gives it for fitting."""
        return self.values.get("use") == "probe"

    @property
    def tags(self) -> frozenset[str]:
        """The file's remarks, for example `rounded`."""
        return frozenset(self.values.get("tags") or ())

    def text(self, key: str) -> str:
        """Return a text, '' when it is missing."""
        return str(self.values.get(key) or "")

    def number(self, key: str) -> float | None:
        """Return a number, None when it is missing."""
        value = self.values.get(key)
        return None if value is None else float(value)


def read_rows(file: Path) -> tuple[Row, ...]:
    """Return the rows of a file.

    Raises ConfigError when it cannot be read or is not YAML, or with every malformed row, as `file:line: what`.
    """
    nodes = _row_nodes(file)
    problems: list[str] = []
    rows, lines = [], dict[str, int]()
    for node in nodes:
        line = node.start_mark.line + 1
        values = _values(node)
        found = list(_problems(values))
        name = values.get("id") if isinstance(values, dict) else None
        if isinstance(name, str) and name in lines:
            found.append(f"id: '{name}' is already the row of line {lines[name]}")
        problems += [f"{file}:{line}: {what}" for what in found]
        if not found:
            lines[values["id"]] = line
            rows.append(Row(line, values))
    if problems:
        raise _wrong(file, f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", problems)
    return tuple(rows)


def _row_nodes(file: Path) -> list[yaml.Node]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if file.stat().st_size > LIMIT_BYTES:
            raise ConfigError(f"{file} is larger than {LIMIT_BYTES // 2**20} MiB", "a table of speeds is far smaller")
        root = yaml.compose(file.read_text("utf-8"), Loader=loader)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text", "save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _wrong(file, "no YAML", [f"{file}:{line}: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise _wrong(file, "no YAML", [f"{file}:1: {error}"]) from error
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    rows = next((value for key, value in pairs if key.value == "rows"), None)
    if not isinstance(rows, yaml.SequenceNode) or not rows.value:
        line = rows.start_mark.line + 1 if rows is not None else 1
        raise _wrong(file, "no rows", [f"{file}:{line}: the file must hold a list of measurements under `rows`"])
    return list(rows.value)


def _values(node: yaml.Node) -> Any:  # noqa: ANN401 - any YAML value
    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except yaml.YAMLError as error:
        return f"unreadable: {error}"


def _problems(values: Any) -> Iterator[str]:  # noqa: ANN401 - any YAML value
    if not isinstance(values, dict):
        yield f"a row must be a mapping of keys to values, not {values!r:.60}"
        return
    for key in NAMES:
        if not values.get(key):
            yield f"{key}: is missing"
    for key in TEXTS:
        value = values.get(key)
        if value is not None and not isinstance(value, str):
            yield f"{key}: must be text, not {value!r:.40}"
    for key in NUMBERS:
        value = values.get(key)
        if value is not None and not _is_positive(value):
            yield f"{key}: must be a number above 0, not {value!r:.40}"
    tags = values.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        yield f"tags: must be a list of words, not {tags!r:.40}"


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _wrong(file: Path, what: str, problems: list[str]) -> ConfigError:
    return ConfigError(f"{file.name} has {what}", "bench/README.md says what a row may hold", problems)


def main() -> None:
    """Write the committed table from FILE: one row a line, in one step."""
    file = Path(sys.argv[1])
    rows = read_rows(file)
    cited = {name: source["cite"] for name, source in yaml.safe_load(file.read_text("utf-8"))["sources"].items()}
    kept = [{key: row.values[key] for key in USED if row.values.get(key) is not None} for row in rows]
    lines = [yaml.safe_dump(one, default_flow_style=True, sort_keys=False, width=10_000).strip() for one in kept]
    temporary = KNOWN.with_suffix(".partial")
    head = "# Published speeds, each row with its source; made by `python -m bench.published FILE`.\n"
    sources = yaml.safe_dump({"sources": cited}, sort_keys=False, width=120)
    temporary.write_text(head + sources + "rows:\n" + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    temporary.replace(KNOWN)


if __name__ == "__main__":
    main()
