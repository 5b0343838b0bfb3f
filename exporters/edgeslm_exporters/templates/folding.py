"""What is known of a program's parts before it runs: constants, and what kind of value a name holds.

A device gives a template messages, each with a role and a content of text, and nothing else: so `message.tool_calls` is
undefined, `message.content is string` is true and `message.role == "tool"` is false, whatever the conversation.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from edgeslm_agent.engine.prompt import ROLES
from edgeslm_agent.engine.template.program import evaluate
from edgeslm_agent.engine.template.values import Budget, TemplateFault, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

Node = Any  # a JSON value: the program's own form

KEYS = ("role", "content")  # of a message
UNDEFINED = ["undefined"]
_NOT_KNOWN = object()
_RUNNING = {"name", "call", "namespace"}  # what only a run can tell
_OF_TEXT = {"string": True, "defined": True, "iterable": True, "sequence": True, "undefined": False, "none": False,
            "mapping": False, "number": False, "boolean": False}  # fmt: skip


class Kind(Enum):
    """What is known of a value that only a run can tell."""

    MESSAGES = "messages"
    MESSAGE = "message"
    ROLE = "role"
    CONTENT = "content"
    ANY = "any"


def is_constant(node: Node) -> bool:
    """Return whether a node is a plain value or undefined."""
    return not isinstance(node, list) or node == UNDEFINED


def folded(node: Node, kind_of: Callable[[Node], Kind]) -> Node:
    """Return the value of an expression when it can be known, else the expression; `kind_of` knows its parts."""
    known = _known(node, kind_of)
    if known is not _NOT_KNOWN:
        return known
    if not _decided(node):
        return node
    try:
        value = evaluate(node, Budget(steps=1_000, characters=10_000))
    except TemplateFault:
        return node  # the device shall fail where Jinja does: when it comes to it
    if isinstance(value, Undefined):
        return UNDEFINED
    return value if value is None or isinstance(value, str | int | float) else node


def kind_of_part(node: Node, kind_of: Callable[[Node], Kind]) -> Kind:  # noqa: PLR0911  # a table of forms
    """Return the kind of an expression from those of its parts."""
    if not isinstance(node, list):
        return Kind.ANY
    match node:
        case ["get", of, key]:
            outer = kind_of(of)
            if outer is Kind.MESSAGES and not isinstance(key, str):
                return Kind.MESSAGE
            return Kind(key) if outer is Kind.MESSAGE and key in KEYS else Kind.ANY
        case ["slice", of, *_] | ["filter", "list" | "reverse" | "selectattr" | "rejectattr", of, *_]:
            return Kind.MESSAGES if kind_of(of) is Kind.MESSAGES else Kind.ANY
        case ["filter", "first" | "last", of]:
            return Kind.MESSAGE if kind_of(of) is Kind.MESSAGES else Kind.ANY
        case ["choose", _, then, otherwise]:
            return kind_of(then) if kind_of(then) is kind_of(otherwise) else Kind.ANY
    return Kind.ANY


def _known(node: Node, kind_of: Callable[[Node], Kind]) -> Node:  # noqa: PLR0911  # a table of forms
    """Return what the kinds of the parts tell."""
    match node:
        case ["get", of, str(key)] if kind_of(of) is Kind.MESSAGE and key not in KEYS:
            return UNDEFINED
        case ["method", "get", of, str(key), *other] if kind_of(of) is Kind.MESSAGE:
            return ["get", of, key] if key in KEYS else next(iter(other), None)
        case ["in", str(key), of] if kind_of(of) is Kind.MESSAGE:
            return key in KEYS
        case ["test", name, of] if kind_of(of) in {Kind.ROLE, Kind.CONTENT}:
            return _OF_TEXT.get(name, _NOT_KNOWN)
        case ["test", "mapping", of] if kind_of(of) is Kind.MESSAGE:
            return True
        case ["eq", of, str(role)] | ["eq", str(role), of] if kind_of(of) is Kind.ROLE and role not in ROLES:
            return False
        case ["ne", of, str(role)] | ["ne", str(role), of] if kind_of(of) is Kind.ROLE and role not in ROLES:
            return True
        case ["in", of, ["list", *roles]] if kind_of(of) is Kind.ROLE and not set(map(str, roles)) & set(ROLES):
            return False
    return _NOT_KNOWN


def _decided(node: Node) -> bool:
    """Return whether an expression reads nothing that only a run can tell."""
    return not isinstance(node, list) or (node[0] not in _RUNNING and all(map(_decided, node[1:])))
