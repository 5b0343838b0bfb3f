"""Reads one hand-written YAML file: its lines are remembered, its schema checked, and all its problems told at once."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from edgeslm.catalog.folder import profiles_folder
from edgeslm.catalog.schema import check
from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import yaml

LIMIT_BYTES = 256 * 1024
Place = tuple[str | int, ...]


class Document:
    """A file's content as plain values, where each of them stands, and the problems found so far."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.values: dict[str, Any] = {}
        self.problems: list[tuple[int, str]] = []
        self._lines: dict[Place, int] = {(): 1}

    def problem(self, place: Place, what: str) -> None:
        """Note a problem of the value at `place`, for example ("memory", "measured", 0)."""
        where = next(self._lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in self._lines)
        self.problems.append((where, f"{'.'.join(map(str, place))}: {what}" if place else what))

    def require(self, keys: Sequence[str]) -> None:
        """Note every key that is missing."""
        for place, what in check(self.values, {"required": keys}):
            self.problem(place, what)

    def raise_problems(self) -> None:
        """Raise ConfigError with every problem in the order of the file's lines, if there is any."""
        if not self.problems:
            return
        count = len(self.problems)
        raise ConfigError(
            f"{self.file.name} has {count} problem{'s' if count > 1 else ''}",
            "profiles/README.md says what each key holds",
            [f"{self.file}:{line}: {what}" for line, what in sorted(self.problems)],
        )

    def located(self, node: yaml.Node, place: Place, seen: set[int]) -> Any:  # noqa: ANN401 - YAML holds any plain value
        """Turn a node of the YAML tree into plain values, noting lines, repeated keys and aliases."""
        import yaml

        self._lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in seen:  # an alias: a file of this size needs none, and nested ones can explode
            self.problem(place, "aliases (*name) are not used here; write the value out")
            return None
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, seen)
        if isinstance(node, yaml.SequenceNode):
            return [self.located(child, (*place, index), seen) for index, child in enumerate(node.value)]
        return yaml.constructor.SafeConstructor().construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place, seen: set[int]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = (*place, key)
            self._lines[inner] = key_node.start_mark.line + 1
            if key in values:
                self.problem(inner, "is written twice")
            values[key] = self.located(value_node, inner, seen)
        return values


def read_document(file: Path, schema: str, *, required: Sequence[str] | None = None) -> Document:
    """Read `file` and check it against profiles/schema/`schema`.json; the caller may add problems, then raises them.

    `required` replaces the schema's own list of keys, for a file that is completed from another one.
    Raises ConfigError at once when the file is missing, too big, or not YAML.
    """
    document = Document(file)
    root = _tree(file, document)
    values = document.located(root, (), set()) if root is not None else {}
    if not isinstance(values, dict):
        document.problem((), "the file must be a mapping of keys to values")
        document.raise_problems()
    document.values = values
    rules = schema_named(schema)
    for place, what in check(values, rules if required is None else {**rules, "required": required}):
        document.problem(place, what)
    return document


@cache
def schema_named(name: str) -> Mapping[str, Any]:
    """Return one of the JSON Schemas that ship."""
    return cast("Mapping[str, Any]", json.loads((profiles_folder() / "schema" / f"{name}.json").read_text("utf-8")))


def _tree(file: Path, document: Document) -> yaml.Node | None:
    import yaml

    try:
        if file.stat().st_size > LIMIT_BYTES:
            raise ConfigError(f"{file} is larger than {LIMIT_BYTES // 1024} KiB", "a profile is a page of text")
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text", "save it as UTF-8") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster, and not in every build
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        document.problems.append((mark.line + 1 if mark else 1, f"not YAML: {error.problem}"))
    except yaml.YAMLError as error:  # characters that YAML forbids
        document.problems.append((1, f"not YAML: {error}"))
    document.raise_problems()
    return None
