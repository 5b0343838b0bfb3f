"""Drops from a program what no run can notice: names set and never read, empty branches, seams between texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Node = Any  # a JSON value: the program's own form

_BLOCKS = {"if": (2, 3), "for": (4, 5), "capture": (2,), "scope": (1,), "macro": (3,)}  # where blocks stand in a node


def pruned(block: Node, constants: Mapping[str, str | None]) -> Node:
    """Return the program without what is never read; the constants that still are come first, as if it set them."""
    while (smaller := _without_unread(block, names_read(block))) != block:
        block = smaller
    read = names_read(block)
    return [["set", name, value] for name, value in sorted(constants.items()) if name in read] + block


def names_read(node: Node) -> set[str]:
    """Return the names of which a program reads the value."""
    return set(_reads(node))


def _reads(node: Node) -> Iterator[str]:
    """Yield names; a block whose first text is the name of an operation may add one too many, which costs nothing."""
    match node:
        case ["name" | "call" | "setattr", str(name), *_]:
            yield name
    for part in node if isinstance(node, list) else ():
        yield from _reads(part)


def _without_unread(block: Node, read: set[str]) -> Node:
    kept: list[Any] = []
    for statement in block:
        if isinstance(statement, str):
            if kept and isinstance(kept[-1], str):
                kept[-1] += statement
            elif statement:
                kept.append(statement)
            continue
        node = list(statement)
        for place in _BLOCKS.get(node[0], ()):
            node[place] = _without_unread(node[place], read)
        if not _is_idle(node, read):
            kept.append(node)
    return kept


def _is_idle(node: Node, read: set[str]) -> bool:
    """Return whether a statement does nothing; what calls a function may refuse, and is kept."""
    if _calls(node):
        return False
    if node[0] in {"set", "capture", "macro"}:
        return node[1] not in read
    return node[0] in {"if", "for", "scope"} and not any(node[place] for place in _BLOCKS[node[0]])


def _calls(node: Node) -> bool:
    return isinstance(node, list) and (node[:1] == ["call"] or any(map(_calls, node)))
