"""A parsed chat template becomes the program that a device runs (edgeslm_agent/engine/template/program.py).

    Jinja's own parser -> tree -> this lowering, which decides what no conversation can change -> pruning -> program

A test such as `tools is not none` has its answer here, and the branch behind it is gone before anybody asks whether a
device could run it. What is left and has no counterpart on the device is refused by name and line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from edgeslm_agent.engine.template.operations import FILTERS, METHODS, TESTS
from edgeslm_agent.engine.template.program import FUNCTIONS
from edgeslm_agent.engine.template.values import written
from edgeslm_exporters.templates.folding import UNDEFINED, Kind, folded, is_constant, kind_of_part
from edgeslm_exporters.templates.pruning import pruned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Node = Any  # a JSON value: the program's own form

VARIABLES = {"messages": Kind.MESSAGES, "add_generation_prompt": Kind.ANY}  # what a device gives at each call,
OPTIONS = ("enable_thinking", "thinking")  # and what it may give
_GLOBALS = {*FUNCTIONS, "namespace", "dict", "lipsum", "cycler", "joiner"}
_KEYWORDS = {  # the parameters of filters that may be named in a call
    "default": ("default_value", "boolean"),
    "d": ("default_value", "boolean"),
    "trim": ("chars",),
    "join": ("d",),
    "replace": ("old", "new"),
}
_BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "FloorDiv": "floordiv", "Mod": "mod"}
_COMPARED = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge", "in": "in"}


class Unsupported(Exception):  # the caller makes it an error of the checkpoint
    """The template uses something that a device cannot run."""


def lower(template: nodes.Template, constants: Mapping[str, str | None]) -> Node:
    """Return the program of a parsed template; `constants` are the names whose values never change.

    Raises Unsupported naming the construct and its line.
    """
    return pruned(_Statements(template, constants).block(template.body), constants)


class _Expressions:
    """Lowers expressions. `scopes` says what is known of each name at this point, innermost scope last."""

    def __init__(self, template: nodes.Template, constants: Mapping[str, str | None]) -> None:
        self.scopes: list[dict[str, Node | Kind]] = [dict(constants), {}]
        self.macros: dict[str, list[Node]] = {}
        stored = (name.name for name in template.find_all(nodes.Name) if name.ctx != "load")
        self.assigned = {*stored, *(macro.name for macro in template.find_all(nodes.Macro))}

    def expression(self, node: nodes.Node) -> Node:
        """Return the expression, or its value when that is known."""
        lowered = getattr(self, f"_{type(node).__name__.lower()}", None)
        if lowered is not None:
            return folded(lowered(node), self.kind)
        if isinstance(node, nodes.BinExpr) and type(node).__name__ in _BINARY:
            parts = [_BINARY[type(node).__name__], self.expression(node.left), self.expression(node.right)]
            return folded(parts, self.kind)
        raise _unsupported(type(node).__name__, node)

    def condition(self, node: nodes.Node) -> Node:
        """Return an expression of which only the truth matters: True, False, or what a run must tell."""
        if isinstance(node, nodes.Not):
            inner = self.condition(node.node)
            return not inner if isinstance(inner, bool) else ["not", inner]
        if isinstance(node, nodes.And | nodes.Or):
            return self._both(node)
        value = self.expression(node)
        return value != UNDEFINED and bool(value) if is_constant(value) else value

    def _both(self, node: nodes.And | nodes.Or) -> Node:
        deciding = isinstance(node, nodes.Or)  # the truth of one side that settles the whole
        left = self.condition(node.left)
        right = deciding if left is deciding else self.condition(node.right)
        if right is deciding:
            return deciding
        if isinstance(left, bool):
            return right
        return left if isinstance(right, bool) else ["or" if deciding else "and", left, right]

    def kind(self, node: Node) -> Kind:
        """Return what is known of the value of an expression that a run must tell."""
        if isinstance(node, list) and node[0] == "name":
            known = self._known(node[1])
            return known if isinstance(known, Kind) else Kind.ANY
        return kind_of_part(node, self.kind)

    def _known(self, name: str) -> Node | Kind:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return VARIABLES.get(name, Kind.ANY if name in OPTIONS else UNDEFINED)

    def _name(self, node: nodes.Name) -> Node:
        known = self._known(node.name)
        if known == UNDEFINED and node.name in _GLOBALS:
            raise _unsupported(f"'{node.name}' without calling it", node)
        return ["name", node.name] if isinstance(known, Kind) else known

    def _const(self, node: nodes.Const) -> Node:
        return node.value

    def _templatedata(self, node: nodes.TemplateData) -> Node:
        return node.data

    def _list(self, node: nodes.List | nodes.Tuple) -> Node:
        return ["list", *map(self.expression, node.items)]

    _tuple = _list

    def _dict(self, node: nodes.Dict) -> Node:
        return ["dict", *self._pairs((pair.key, pair.value) for pair in node.items)]

    def _pairs(self, pairs: Iterable[tuple[nodes.Expr, nodes.Expr]]) -> Iterator[Node]:
        for key, value in pairs:
            if not isinstance(key, nodes.Const) or not isinstance(key.value, str):
                raise _unsupported("a dict whose keys are not texts", key)
            yield from (key.value, self.expression(value))

    def _getattr(self, node: nodes.Getattr) -> Node:
        return ["get", self.expression(node.node), node.attr]

    def _getitem(self, node: nodes.Getitem) -> Node:
        value = self.expression(node.node)
        if not isinstance(node.arg, nodes.Slice):
            return ["get", value, self.expression(node.arg)]
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return ["slice", value, *(None if bound is None else self.expression(bound) for bound in bounds)]

    def _concat(self, node: nodes.Concat) -> Node:
        return ["concat", *map(self.expression, node.nodes)]

    def _not(self, node: nodes.Not) -> Node:
        return self.condition(node)

    def _neg(self, node: nodes.Neg) -> Node:
        return ["sub", 0, self.expression(node.node)]

    def _and(self, node: nodes.And | nodes.Or) -> Node:
        left = self.expression(node.left)
        decided = isinstance(node, nodes.Or)
        if is_constant(left):
            return left if (left != UNDEFINED and bool(left)) is decided else self.expression(node.right)
        return ["or" if decided else "and", left, self.expression(node.right)]

    _or = _and

    def _condexpr(self, node: nodes.CondExpr) -> Node:
        test = self.condition(node.test)
        chosen = (node.expr1, node.expr2)
        if isinstance(test, bool):
            one = chosen[0 if test else 1]
            return UNDEFINED if one is None else self.expression(one)
        return ["choose", test, *(UNDEFINED if one is None else self.expression(one) for one in chosen)]

    def _compare(self, node: nodes.Compare) -> Node:
        if len(node.ops) != 1:
            raise _unsupported("a chain of comparisons", node)
        operator, left, right = node.ops[0].op, self.expression(node.expr), self.expression(node.ops[0].expr)
        if operator == "notin":
            inside = folded(["in", left, right], self.kind)
            return not inside if isinstance(inside, bool) else ["not", inside]
        return [_COMPARED[operator], left, right]

    def _test(self, node: nodes.Test) -> Node:
        if node.name not in TESTS:
            raise _unsupported(f"the test '{node.name}'", node)
        if node.name == "defined" and isinstance(node.node, nodes.Name) and node.node.name in _GLOBALS:
            return True
        return ["test", node.name, self.expression(node.node), *map(self.expression, node.args)]

    def _filter(self, node: nodes.Filter) -> Node:
        if node.node is None:
            raise _unsupported("a filter block", node)
        if node.name == "map" and not node.args and [word.key for word in node.kwargs] == ["attribute"]:
            return ["filter", "map_attribute", self.expression(node.node), self.expression(node.kwargs[0].value)]
        if node.name not in FILTERS:
            raise _unsupported(f"the filter '{node.name}'", node)
        return ["filter", node.name, self.expression(node.node), *self._arguments(node, _KEYWORDS.get(node.name, ()))]

    def _call(self, node: nodes.Call) -> Node:
        if isinstance(node.node, nodes.Getattr):
            if node.node.attr not in METHODS:
                raise _unsupported(f"the method '{node.node.attr}'", node)
            return ["method", node.node.attr, self.expression(node.node.node), *self._arguments(node, ())]
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        if name in {"namespace", "dict"} and not node.args:
            named = ((nodes.Const(word.key), word.value) for word in node.kwargs)
            return [name, *self._pairs(named)]
        if name in self.macros:
            parameters = self.macros[name]
            return ["call", name, *self._arguments(node, parameters[::2], parameters[1::2])]
        if name not in FUNCTIONS:
            raise _unsupported(f"a call of '{name or 'an expression'}'", node)
        return ["call", name, *self._arguments(node, ())]

    def _arguments(
        self, node: nodes.Call | nodes.Filter, names: Sequence[str], defaults: Sequence[Node] = ()
    ) -> list[Node]:
        """Return all arguments by position; one left out before a named one takes its default."""
        if node.dyn_args or node.dyn_kwargs:
            raise _unsupported("an unpacked argument", node)
        given = dict(enumerate(map(self.expression, node.args)))
        for word in node.kwargs:
            if word.key not in names:
                raise _unsupported(f"the argument '{word.key}'", node)
            given[names.index(word.key)] = self.expression(word.value)
        for place in range(max(given, default=-1) + 1):
            if place not in given and place >= len(defaults):
                raise _unsupported("a named argument without those before it", node)
            given.setdefault(place, defaults[place] if place < len(defaults) else None)
        return [given[place] for place in sorted(given)]


class _Statements(_Expressions):
    """Lowers statements, in the order of execution, so that `scopes` is right for every expression."""

    def block(self, body: Iterable[nodes.Node]) -> list[Node]:
        """Return the statements of a body."""
        return [statement for node in body for statement in self._statement(node)]

    def _statement(self, node: nodes.Node) -> list[Node]:
        lowered = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if lowered is None:
            raise _unsupported(f"the tag '{type(node).__name__.lower()}'", node)
        statements: list[Node] = lowered(node)
        return statements

    def _on_output(self, node: nodes.Output) -> list[Node]:
        parts = map(self.expression, node.nodes)
        return ["" if part == UNDEFINED else written(part) if is_constant(part) else ["put", part] for part in parts]

    def _on_if(self, node: nodes.If) -> list[Node]:
        test = self.condition(node.test)
        otherwise = [nodes.If(*_first_of(node), lineno=node.lineno)] if node.elif_ else node.else_
        if isinstance(test, bool):
            return self.block(node.body if test else otherwise)
        before = dict(self.scopes[-1])
        then = self.block(node.body)
        one, self.scopes[-1] = self.scopes[-1], before
        statement = ["if", test, then, self.block(otherwise)]
        other = self.scopes.pop()
        outside = {name: self._known(name) for name in one.keys() | other.keys()}  # what a branch did not set
        self.scopes.append(_joined({**outside, **one}, {**outside, **other}))
        return [statement]

    def _on_for(self, node: nodes.For) -> list[Node]:
        if not isinstance(node.target, nodes.Name) or node.recursive:
            raise _unsupported("a loop over several names, or a recursive one", node)
        iterable, name = self.expression(node.iter), node.target.name
        if iterable in (UNDEFINED, "", ["list"]):
            return self.block(node.else_)
        item = Kind.MESSAGE if self.kind(iterable) is Kind.MESSAGES else Kind.ANY
        self.scopes.append({name: item})
        condition = True if node.test is None else self.condition(node.test)
        self.scopes[-1]["loop"] = Kind.ANY
        body = self.block(node.body)
        self.scopes.pop()
        return [["for", name, iterable, condition, body, self.block(node.else_)]]

    def _on_assign(self, node: nodes.Assign) -> list[Node]:
        value = self.expression(node.node)
        if isinstance(node.target, nodes.NSRef):
            return [["setattr", node.target.name, node.target.attr, value]]
        if not isinstance(node.target, nodes.Name):
            raise _unsupported("an assignment to several names", node)
        self.scopes[-1][node.target.name] = value if is_constant(value) else self.kind(value)
        return [["set", node.target.name, value]]

    def _on_assignblock(self, node: nodes.AssignBlock) -> list[Node]:
        if not isinstance(node.target, nodes.Name) or node.filter is not None:
            raise _unsupported("a filtered block assignment", node)
        self.scopes.append({})
        body = self.block(node.body)
        self.scopes.pop()
        self.scopes[-1][node.target.name] = Kind.ANY
        return [["capture", node.target.name, body]]

    def _on_scope(self, node: nodes.Scope) -> list[Node]:
        self.scopes.append({})
        body = self.block(node.body)
        self.scopes.pop()
        return [["scope", body]]

    def _on_macro(self, node: nodes.Macro) -> list[Node]:
        defaults = [UNDEFINED] * (len(node.args) - len(node.defaults)) + [*map(self.expression, node.defaults)]
        parameters = [part for name, default in zip(node.args, defaults, strict=True) for part in (name.name, default)]
        self.scopes[-1][node.name] = Kind.ANY
        self.macros[node.name] = parameters
        # A name that is assigned anywhere may have any value when the macro is called.
        self.scopes.append(dict.fromkeys(self.assigned, Kind.ANY))
        body = self.block(node.body)
        self.scopes.pop()
        return [["macro", node.name, parameters, body]]

    def _on_break(self, _node: nodes.Break) -> list[Node]:
        return [["break"]]

    def _on_continue(self, _node: nodes.Continue) -> list[Node]:
        return [["continue"]]


def _first_of(node: nodes.If) -> tuple[Any, ...]:
    """Return the parts of the `if` that the `elif`s and the `else` of `node` are."""
    first, *others = node.elif_
    return first.test, first.body, others, node.else_


def _joined(one: Mapping[str, Node | Kind], other: Mapping[str, Node | Kind]) -> dict[str, Node | Kind]:
    """Return what is known of the same names after two branches: what both agree on."""
    return {name: one[name] if _is_same(one[name], other[name]) else Kind.ANY for name in one}


def _is_same(one: Node | Kind, other: Node | Kind) -> bool:
    return type(one) is type(other) and bool(one == other)


def _unsupported(what: str, node: nodes.Node) -> Unsupported:
    return Unsupported(f"line {node.lineno} uses {what}, which a device cannot run")
