"""The operators, filters, tests and methods that chat templates use. Each takes the budget, then its operands.

They mean what Jinja's mean. What is not here is refused at export, by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_agent.engine.template.values import (
    Budget,
    Namespace,
    TemplateFault,
    Undefined,
    items,
    kind,
    number,
    text,
    truth,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Operation = Callable[..., object]


def add(budget: Budget, left: object, right: object) -> object:
    """Return the sum of two numbers, or two texts or lists joined."""
    if isinstance(left, str) and isinstance(right, str):
        budget.spend(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        budget.spend(len(left) + len(right))
        return left + right
    return _arithmetic(lambda a, b: a + b)(budget, left, right)


def concatenate(budget: Budget, *parts: object) -> str:
    """Return the parts written one after the other."""
    texts = [written(part) for part in parts]
    budget.spend(sum(map(len, texts)))
    return "".join(texts)


def get(_budget: Budget, value: object, key: object) -> object:
    """Return an item or attribute, or Undefined when there is none; of an undefined value it is a fault."""
    if isinstance(value, Undefined):
        raise TemplateFault(f"it asks for {key!r} of {kind(value)}")
    if isinstance(value, Namespace):
        value = value.values
    if isinstance(value, dict):
        return value.get(key, Undefined(str(key))) if isinstance(key, str) else Undefined("item")
    if isinstance(value, list | str) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return Undefined(str(key) if isinstance(key, str) else "item")


def cut(budget: Budget, value: object, start: object, stop: object, step: object) -> object:
    """Return a slice of a text or list."""
    if not isinstance(value, str | list) or step == 0:
        raise TemplateFault(f"it slices {kind(value)}")
    budget.spend(len(value))
    return value[_bound(start) : _bound(stop) : _bound(step)]


def equal(_budget: Budget, left: object, right: object) -> bool:
    """Return whether two values are equal; two lists or dicts are not compared."""
    if isinstance(left, Undefined) or isinstance(right, Undefined):
        return isinstance(left, Undefined) and isinstance(right, Undefined)
    if isinstance(left, list | dict) and isinstance(right, list | dict):
        raise TemplateFault(f"it compares two values of kind {kind(left)}")
    return left == right


def contains(budget: Budget, needle: object, value: object) -> bool:
    """Return whether a text holds a text, a list an item, or a dict a key."""
    if isinstance(value, Undefined):
        return False
    if isinstance(value, str):
        budget.spend(len(value))
        return text(needle) in value
    if isinstance(value, dict):
        return isinstance(needle, str) and needle in value
    if isinstance(value, list):
        budget.spend(len(value))
        return any(equal(budget, item, needle) for item in value)
    raise TemplateFault(f"it looks for something in {kind(value)}")


def _order(compare: Callable[[Any, Any], bool]) -> Operation:
    def ordered(_budget: Budget, left: object, right: object) -> bool:
        both_text = isinstance(left, str) and isinstance(right, str)
        if not both_text and not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TemplateFault(f"it orders {kind(left)} and {kind(right)}")
        return compare(left, right)

    return ordered


def _arithmetic(compute: Callable[[Any, Any], float]) -> Operation:
    def computed(_budget: Budget, left: object, right: object) -> object:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TemplateFault(f"it computes with {kind(left)} and {kind(right)}")
        try:
            return number(compute(left, right))
        except ArithmeticError as error:
            raise TemplateFault(str(error)) from error

    return computed


def _bound(value: object) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise TemplateFault(f"it slices up to {kind(value)}")


OPERATORS: dict[str, Operation] = {
    "get": get,
    "slice": cut,
    "add": add,
    "concat": concatenate,
    "eq": equal,
    "ne": lambda budget, left, right: not equal(budget, left, right),
    "in": contains,
    "lt": _order(lambda a, b: a < b),
    "le": _order(lambda a, b: a <= b),
    "gt": _order(lambda a, b: a > b),
    "ge": _order(lambda a, b: a >= b),
    "sub": _arithmetic(lambda a, b: a - b),
    "mul": _arithmetic(lambda a, b: a * b),
    "div": _arithmetic(lambda a, b: a / b),
    "floordiv": _arithmetic(lambda a, b: a // b),
    "mod": _arithmetic(lambda a, b: a % b),
    "not": lambda _budget, value: not truth(value),
    "list": lambda budget, *values: budget.spend(len(values)) or list(values),
}


def _on_text(change: Callable[..., object]) -> Operation:
    """Make an operation of a text method whose result is no longer than a few times its operand."""

    def changed(budget: Budget, value: object, *arguments: object) -> object:
        budget.spend(len(text(value)))
        return change(value, *(text(argument) for argument in arguments))

    return changed


def _stripping(change: Callable[..., str]) -> Operation:
    """Make an operation of a method that looks up each character of a text among others."""

    def stripped(budget: Budget, value: object, *characters: object) -> str:
        budget.spend(len(text(value)) * (1 + sum(len(text(some)) for some in characters)))
        return change(value, *characters)

    return stripped


def _replaced(budget: Budget, value: object, old: object, new: object) -> str:
    value, old, new = text(value), text(old), text(new)
    found = value.count(old)
    budget.spend(len(value) + found * len(new))
    return value.replace(old, new)


def _split(budget: Budget, value: object, separator: object = None, most: object = -1) -> list[str]:
    value, most = text(value), _bound(most)
    budget.spend(2 * len(value))
    if separator is not None and not text(separator):
        raise TemplateFault("it splits a text at nothing")
    return value.split(None if separator is None else text(separator), -1 if most is None else most)


def _got(budget: Budget, value: object, key: object, default: object = None) -> object:
    if not isinstance(value, dict):
        raise TemplateFault(f"it looks up {key!r} in {kind(value)}")
    found = get(budget, value, key)
    return default if isinstance(found, Undefined) else found


METHODS: dict[str, Operation] = {
    "strip": _stripping(str.strip),
    "lstrip": _stripping(str.lstrip),
    "rstrip": _stripping(str.rstrip),
    "startswith": _on_text(str.startswith),
    "endswith": _on_text(str.endswith),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "title": _on_text(str.title),
    "capitalize": _on_text(str.capitalize),
    "removeprefix": _on_text(str.removeprefix),
    "removesuffix": _on_text(str.removesuffix),
    "replace": _replaced,
    "split": _split,
    "get": _got,
}


def _on_written(operation: Operation) -> Operation:
    """Make a filter, which takes any value as it is written, of a method."""
    return lambda budget, value, *arguments: operation(budget, written(value), *arguments)


def _length(_budget: Budget, value: object) -> int:
    return 0 if isinstance(value, Undefined) else len(_sized(value))


def _sized(value: object) -> list[object] | str | dict[str, object]:
    if not isinstance(value, list | str | dict):
        raise TemplateFault(f"it measures {kind(value)}")
    return value


def _default(_budget: Budget, value: object, other: object = "", also_false: object = None) -> object:
    return other if isinstance(value, Undefined) or (truth(also_false) and not truth(value)) else value


def _end(index: int) -> Operation:
    def taken(_budget: Budget, value: object) -> object:
        found = items(value)
        return found[index] if found else Undefined("item")

    return taken


def _joined(budget: Budget, value: object, separator: object = "") -> str:
    texts = [written(item) for item in items(value)]
    budget.spend(sum(map(len, texts)) + len(texts) * len(text(separator)))
    return text(separator).join(texts)


def _reversed(budget: Budget, value: object) -> object:
    budget.spend(len(_sized(value)))
    return value[::-1] if isinstance(value, str) else items(value)[::-1]


def _listed(budget: Budget, value: object) -> list[object]:
    found = items(value)
    budget.spend(len(found))
    return found


def _selected(*, keep: bool) -> Operation:
    def select(budget: Budget, value: object, key: object, test: object = None, *arguments: object) -> list[object]:
        chosen = []
        for item in _listed(budget, value):
            budget.step()
            found = get(budget, item, key)
            passed = truth(found) if test is None else run_test(budget, text(test), found, *arguments)
            if passed is keep:
                chosen.append(item)
        return chosen

    return select


def _attributes(budget: Budget, value: object, key: object) -> list[object]:
    return [get(budget, item, key) for item in _listed(budget, value)]


FILTERS: dict[str, Operation] = {
    "trim": _on_written(METHODS["strip"]),
    "lower": _on_written(METHODS["lower"]),
    "upper": _on_written(METHODS["upper"]),
    "capitalize": _on_written(METHODS["capitalize"]),
    "replace": _on_written(_replaced),
    "string": lambda _budget, value: written(value),
    "safe": lambda _budget, value: written(value),
    "length": _length,
    "count": _length,
    "default": _default,
    "d": _default,
    "first": _end(0),
    "last": _end(-1),
    "join": _joined,
    "reverse": _reversed,
    "list": _listed,
    "selectattr": _selected(keep=True),
    "rejectattr": _selected(keep=False),
    "map_attribute": _attributes,  # Jinja's map(attribute=...)
}

TESTS: dict[str, Operation] = {
    "defined": lambda _budget, value: not isinstance(value, Undefined),
    "undefined": lambda _budget, value: isinstance(value, Undefined),
    "none": lambda _budget, value: value is None,
    "string": lambda _budget, value: isinstance(value, str),
    "mapping": lambda _budget, value: isinstance(value, dict),
    "iterable": lambda _budget, value: isinstance(value, str | list | dict | Undefined),
    "sequence": lambda _budget, value: isinstance(value, str | list | dict | Undefined),
    "number": lambda _budget, value: isinstance(value, int | float),
    "integer": lambda _budget, value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda _budget, value: isinstance(value, bool),
    "true": lambda _budget, value: value is True,
    "false": lambda _budget, value: value is False,
    "odd": lambda budget, value: OPERATORS["mod"](budget, value, 2) == 1,
    "even": lambda budget, value: OPERATORS["mod"](budget, value, 2) == 0,
    "divisibleby": lambda budget, value, other: OPERATORS["mod"](budget, value, other) == 0,
    **dict.fromkeys(("eq", "==", "equalto"), equal),
    **dict.fromkeys(("ne", "!="), OPERATORS["ne"]),
    "in": contains,
}


def run_test(budget: Budget, name: str, value: object, *arguments: object) -> bool:
    """Return what a test says. Raises TemplateFault when there is none of that name."""
    if name not in TESTS:
        raise TemplateFault(f"it uses the unknown test '{name}'")
    return truth(TESTS[name](budget, value, *arguments))
