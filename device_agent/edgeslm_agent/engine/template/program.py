"""A compiled chat template: nested JSON lists, checked once, then run within a budget.

    text        "..." in a block is written; elsewhere it, a number, true, false and null mean themselves
    statement   ["put", e]  ["if", e, block, block]  ["for", name, e, condition, block, block]  ["set", name, e]
                ["setattr", name, key, e]  ["capture", name, block]  ["scope", block]  ["break"]  ["continue"]
                ["macro", name, [parameter, default, ...], block]
    expression  ["undefined"]  ["name", n]  ["and", e, e]  ["or", e, e]  ["choose", e, e, e]  ["dict", key, e, ...]
                ["filter", n, e...]  ["test", n, e...]  ["method", n, e...]  ["call", n, e...]
                ["namespace", key, e, ...]  and the operators of operations.py: ["add", e, e], ["get", e, e], ...

There is nothing else: no import, no attribute of a Python object, no unbounded loop, no recursion without a budget.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from edgeslm_agent.engine.template.operations import FILTERS, METHODS, OPERATORS, TESTS, run_test
from edgeslm_agent.engine.template.values import (
    Budget,
    Namespace,
    TemplateFault,
    TemplateRefusal,
    Undefined,
    items,
    text,
    truth,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_PROGRAM = 1 << 18  # characters of JSON; the longest published template, compiled, has about 2**14
MAX_DEPTH = 96  # of nested nodes; Python allows 1000 calls, and a node takes three
STEPS, STEPS_A_MESSAGE = 20_000, 2_000  # the longest published template takes 40 for itself and 60 a message
CHARACTERS, CHARACTERS_A_CHARACTER = 1 << 17, 64  # so a template may read what it is given 64 times
MAX_TIME_FORMAT = 64

# What stands after an operation's name: e expression, n name, b block, p parameters; after | what may be repeated.
_STATEMENTS = {
    "put": "e", "if": "ebb", "for": "neebb", "set": "ne", "setattr": "nne", "capture": "nb", "scope": "b",
    "break": "", "continue": "", "macro": "npb",
}  # fmt: skip
_EXPRESSIONS = {
    "undefined": "", "name": "n", "and": "ee", "or": "ee", "choose": "eee", "dict": "|ne", "namespace": "|ne",
    "filter": "ne|e", "test": "ne|e", "method": "ne|e", "call": "n|e", "get": "ee", "slice": "eeee", "not": "e",
    "concat": "|e", "list": "|e",
    **dict.fromkeys(("add", "sub", "mul", "div", "floordiv", "mod", "eq", "ne", "in", "lt", "le", "gt", "ge"), "ee"),
}  # fmt: skip
_KNOWN_NAMES = {"filter": FILTERS, "test": TESTS, "method": METHODS}
FUNCTIONS = ("raise_exception", "strftime_now", "range")

Block = list[Any]
Scope = dict[str, object]


@dataclass(frozen=True)
class Program:
    """A checked program; `load` makes one. It may be run by several threads at once."""

    block: Block

    @classmethod
    def load(cls, document: str) -> Program:
        """Read a program from its JSON.

        Raises TemplateFault when it is none, too long, too deep, or uses an operation that this version lacks.
        """
        if len(document) > MAX_PROGRAM:
            raise TemplateFault(f"it is longer than {MAX_PROGRAM} characters")
        try:
            block = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise TemplateFault(f"it is not JSON: {error}") from error
        check_block(block)
        return cls(block)

    def render(
        self,
        messages: Sequence[Mapping[str, str]],
        variables: Mapping[str, object],
        now: Callable[[], datetime] = datetime.now,
    ) -> str:
        """Return the text of a conversation; `variables` are what else the template may read.

        Raises TemplateRefusal when the template refuses the messages, TemplateFault when it fails or goes on for long.
        """
        given: Scope = {"messages": [dict(message) for message in messages], **variables}
        length = sum(len(value) for message in messages for value in message.values())
        budget = Budget(
            steps=STEPS + STEPS_A_MESSAGE * len(messages), characters=CHARACTERS + CHARACTERS_A_CHARACTER * length
        )
        current = _Run(budget, now, [given, {}])
        try:
            current.block(self.block)
        except RecursionError as error:
            raise TemplateFault("its macros call each other too deeply", too_much=True) from error
        return "".join(current.output)


def evaluate(node: object, budget: Budget) -> object:
    """Return the value of a checked expression that reads no names; raises as `Program.render` does."""
    return _Run(budget, datetime.now, []).value(node)


def check_block(block: object, depth: int = 0) -> None:
    """Raise TemplateFault for a block that `run` could not run."""
    if not isinstance(block, list):
        raise TemplateFault("a block of it is not a list")
    for node in block:
        if not isinstance(node, str):
            _check(node, _STATEMENTS, depth + 1)


def _check_expression(node: object, depth: int) -> None:
    if isinstance(node, list):
        _check(node, _EXPRESSIONS, depth)
    elif not (node is None or isinstance(node, str | int | float)):
        raise TemplateFault("it holds something that is no expression")


def _check(node: object, forms: Mapping[str, str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TemplateFault(f"it is nested deeper than {MAX_DEPTH}")
    if not isinstance(node, list) or not node or not isinstance(node[0], str) or node[0] not in forms:
        raise TemplateFault(f"it uses an operation this version does not know: {json.dumps(node)[:40]}")
    name, *parts = node
    fixed, _, repeated = forms[name].partition("|")
    while repeated and len(fixed) < len(parts):
        fixed += repeated
    if len(fixed) != len(parts):
        raise TemplateFault(f"'{name}' has {len(parts)} parts")
    for letter, part in zip(fixed, parts, strict=True):
        _check_part(letter, part, depth)
    if name in _KNOWN_NAMES and parts[0] not in _KNOWN_NAMES[name]:
        raise TemplateFault(f"it uses the {name} '{parts[0]}', which this version does not know")


def _check_part(letter: str, part: object, depth: int) -> None:
    if letter == "e":
        _check_expression(part, depth + 1)
    elif letter == "b":
        check_block(part, depth + 1)
    elif letter == "n" and not isinstance(part, str):
        raise TemplateFault("a name of it is not a text")
    elif letter == "p":
        if not isinstance(part, list) or len(part) % 2 or not all(isinstance(name, str) for name in part[::2]):
            raise TemplateFault("the parameters of a macro are not pairs of name and default")
        for default in part[1::2]:
            _check_expression(default, depth + 1)


@dataclass(frozen=True)
class _Macro:
    parameters: list[Any]
    body: Block
    scopes: list[Scope]


@dataclass
class _Run:
    """One run: what it may still spend, what it sees (innermost scope last), what it has written."""

    budget: Budget
    now: Callable[[], datetime]
    scopes: list[Scope]
    output: list[str] = field(default_factory=list)

    def block(self, nodes: Block) -> str | None:
        """Run statements; return 'break' or 'continue' when one of them says so."""
        for node in nodes:
            if isinstance(node, str):
                self._write(node)
            elif signal := self._statement(node):
                return signal
        return None

    def _statement(self, node: list[Any]) -> str | None:
        self.budget.step()
        name, *parts = node
        if name in {"break", "continue"}:
            return str(name)
        if name == "if":
            test, then, otherwise = parts
            return self.block(then if truth(self.value(test)) else otherwise)
        if name == "for":
            return self._loop(*parts)
        if name == "scope":
            return self._inside({}, parts[0])
        self._effect(name, parts)
        return None

    def _effect(self, name: str, parts: list[Any]) -> None:
        """Run a statement that writes or sets something."""
        if name == "put":
            self._write(written(self.value(parts[0])))
        elif name == "set":
            self.scopes[-1][parts[0]] = self.value(parts[1])
        elif name == "capture":
            self.scopes[-1][parts[0]] = self._captured({}, parts[1])
        elif name == "macro":
            self.scopes[-1][parts[0]] = _Macro(parts[1], parts[2], list(self.scopes))
        else:
            target, key, value = parts
            space = self._find(target)
            if not isinstance(space, Namespace):
                raise TemplateFault(f"it sets '{key}' of '{target}', which is no namespace")
            space.values[key] = self.value(value)

    def _loop(self, name: str, iterable: object, condition: object, body: Block, otherwise: Block) -> str | None:
        found = items(self.value(iterable))
        self.budget.spend(len(found))
        chosen = [item for item in found if condition is True or self._passes({name: item}, condition)]
        for index, item in enumerate(chosen):
            self.budget.step()
            if self._inside({name: item, "loop": _loop_facts(chosen, index)}, body) == "break":
                break
        return None if chosen else self.block(otherwise)

    def _passes(self, scope: Scope, condition: object) -> bool:
        self.scopes.append(scope)
        try:
            return truth(self.value(condition))
        finally:
            self.scopes.pop()

    def _inside(self, scope: Scope, body: Block) -> str | None:
        self.scopes.append(scope)
        try:
            return self.block(body)
        finally:
            self.scopes.pop()

    def _captured(self, scope: Scope, body: Block) -> str:
        outer, self.output = self.output, []
        try:
            self._inside(scope, body)
            return "".join(self.output)
        finally:
            self.output = outer

    def _write(self, piece: str) -> None:
        self.budget.spend(len(piece))
        self.output.append(piece)

    def value(self, node: object) -> object:
        """Return the value of an expression."""
        if not isinstance(node, list):
            return node
        self.budget.step()
        name, *parts = node
        if name in OPERATORS:
            return self._applied(OPERATORS[name], [self.value(part) for part in parts])
        return self._special(name, parts)

    def _special(self, name: str, parts: list[Any]) -> object:
        """Return the value of what is not simply an operation on values."""
        if name == "name":
            return self._find(parts[0])
        if name in {"and", "or"}:
            first = self.value(parts[0])
            return first if truth(first) is (name == "or") else self.value(parts[1])
        if name == "choose":
            test, then, otherwise = parts
            return self.value(then if truth(self.value(test)) else otherwise)
        if name in {"dict", "namespace"}:
            pairs = {key: self.value(part) for key, part in zip(parts[::2], parts[1::2], strict=True)}
            return Namespace(pairs) if name == "namespace" else pairs
        if name == "undefined":
            return Undefined()
        return self._called(name, parts[0], [self.value(part) for part in parts[1:]])

    def _called(self, sort: str, name: str, arguments: list[object]) -> object:
        if sort == "filter":
            return self._applied(FILTERS[name], arguments)
        if sort == "method":
            return self._applied(METHODS[name], arguments)
        if sort == "test":
            return self._applied(lambda budget, *rest: run_test(budget, name, *rest), arguments)
        functions: dict[str, Callable[..., object]] = {
            "raise_exception": _refuse,
            "strftime_now": self._time,
            "range": self._range,
        }
        if name in functions:
            return self._applied(functions[name], arguments)
        return self._expanded(name, arguments)

    def _applied(self, operation: Callable[..., object], arguments: list[object]) -> object:
        try:
            return operation(self.budget, *arguments)
        except (TypeError, ValueError, OverflowError) as error:  # e.g. a wrong number of arguments
            raise TemplateFault(str(error)) from error

    def _expanded(self, name: str, arguments: list[object]) -> str:
        """Return what a macro writes."""
        macro = self._find(name)
        if not isinstance(macro, _Macro) or 2 * len(arguments) > len(macro.parameters):
            raise TemplateFault(f"it calls '{name}', which is no macro or takes less")
        scopes, self.scopes = self.scopes, list(macro.scopes)
        try:
            defaults = [self.value(default) for default in macro.parameters[2 * len(arguments) + 1 :: 2]]
            scope = dict(zip(macro.parameters[::2], [*arguments, *defaults], strict=True))
            return self._captured(scope, macro.body)
        finally:
            self.scopes = scopes

    def _find(self, name: str) -> object:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return Undefined(name)

    def _time(self, _budget: Budget, pattern: object) -> str:
        if len(text(pattern)) > MAX_TIME_FORMAT:
            raise TemplateFault("its time format is too long")
        return self.now().strftime(text(pattern))

    @staticmethod
    def _range(budget: Budget, *bounds: int) -> list[int]:
        numbers = range(*bounds)
        budget.spend(len(numbers))
        return list(numbers)


def _refuse(_budget: Budget, message: object) -> NoReturn:
    raise TemplateRefusal(written(message))


def _loop_facts(chosen: list[object], index: int) -> dict[str, object]:
    """Return what `loop` is in one round."""
    count = len(chosen)
    facts: dict[str, object] = {
        "index": index + 1,
        "index0": index,
        "revindex": count - index,
        "revindex0": count - index - 1,
        "first": index == 0,
        "last": index == count - 1,
        "length": count,
    }
    if index:
        facts["previtem"] = chosen[index - 1]
    if index + 1 < count:
        facts["nextitem"] = chosen[index + 1]
    return facts
