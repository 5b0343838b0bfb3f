"""A small coverage-guided fuzzer: an input that reaches a line nobody reached is kept and changed further.

Options were atheris (needs clang or a wheel for each Python, and instruments bytecode of one process), hypothesis (does
not steer by coverage), or this: `sys.settrace` on the files of interest, a corpus, and many ways to change a payload,
half of which know JSON. It reaches every line of the parsers in seconds, and the same seed makes the same inputs.
"""

from __future__ import annotations

import json
import random
import sys
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

_MAX_BYTES = 160 * 1024
_MAX_CORPUS = 4000
_WORDS: tuple[Any, ...] = (
    0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 10**400, 0.5, -0.0, 1e308, True, False, None, "", "x" * 200,
    "\x00", "\u202e", "\ud800",
    "1", [], {}, [[1, 2]], [[2, 1]], [[0, 2**63 - 1]], {"v": 1}, "ping", "generate", "b1", "online", "offline",
)  # fmt: skip
_SPLICES = (
    b"NaN",
    b"Infinity",
    b"1e999",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\xff\xfe",
    b"\xc3",
    b"}",
    b"]",
    b",",
    b'"',
    b"9" * 5000,
)


class Coverage:
    """The lines that were reached in files whose path holds one of the `parts`."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = tuple(parts)
        self._wanted: dict[str, bool] = {}
        self.lines: set[tuple[str, int]] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the lines of the block's thread."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _arg: object) -> Any:  # noqa: ANN401  # what settrace asks for
        name = frame.f_code.co_filename
        if name not in self._wanted:
            self._wanted[name] = any(part in name for part in self._parts)
        return self._line if self._wanted[name] else None

    def _line(self, frame: FrameType, event: str, _arg: object) -> Any:  # noqa: ANN401  # what settrace asks for
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


@dataclass
class Finding:
    """An input that broke something."""

    target: str
    payload: bytes
    problem: str


@dataclass
class Outcome:
    """What a run did. `lines` were reached in all."""

    executions: dict[str, int] = field(default_factory=dict)
    corpus: int = 0
    lines: int = 0
    findings: list[Finding] = field(default_factory=list)


def fuzz(
    targets: dict[str, Callable[[bytes], object]],
    seeds: Sequence[bytes],
    parts: Sequence[str],
    seconds: float,
    seed: int,
) -> Outcome:
    """Give every target new payloads in turn for so long; whatever a target raises is a finding."""
    drawn, coverage, outcome = random.Random(seed), Coverage(parts), Outcome(dict.fromkeys(targets, 0))
    corpora = {name: list(seeds) for name in targets}
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(outcome.findings) < 5:
        for name, target in targets.items():
            corpus = corpora[name]
            step = outcome.executions[name]
            payload = seeds[step] if step < len(seeds) else mutated(drawn, corpus)
            outcome.executions[name] += 1
            before = len(coverage.lines)
            try:
                with coverage.watching():
                    target(payload)
            except Exception as error:  # noqa: BLE001 - that is what we look for
                outcome.findings.append(Finding(name, payload, f"{type(error).__name__}: {error}"))
            if len(coverage.lines) > before and len(corpus) < _MAX_CORPUS:
                corpus.append(payload)
    outcome.corpus = sum(map(len, corpora.values())) - len(targets) * len(seeds)
    outcome.lines = len(coverage.lines)
    return outcome


def mutated(drawn: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Return a payload made from one or two of the corpus."""
    payload = drawn.choice(corpus)
    plain = _plain(payload)
    for _ in range(drawn.choice((1, 1, 2, 4))):
        plain = _json_change(drawn, plain) if drawn.random() < 0.6 else _byte_change(drawn, plain, drawn.choice(corpus))
        plain = plain[:_MAX_BYTES]  # here too: what is repeated twice would take more memory than all that is tried
    way = drawn.random()
    if way < 0.2:
        plain = zlib.compress(plain)
    elif way < 0.25:
        plain = zlib.compress(plain)[: drawn.randrange(1, 60)]
    return plain[:_MAX_BYTES]


def _plain(payload: bytes) -> bytes:
    if payload[:1] == b"\x78":
        try:
            return zlib.decompressobj().decompress(payload, _MAX_BYTES)
        except zlib.error:
            pass
    return payload


def _byte_change(drawn: random.Random, payload: bytes, other: bytes) -> bytes:
    at, end = sorted(drawn.randrange(len(payload) + 1) for _ in range(2))
    ways = (
        lambda: payload[:at] + payload[end:],
        lambda: payload[:at] + payload[at:end] * 2 + payload[end:],
        lambda: payload[:at] + drawn.choice(_SPLICES) + payload[end:],
        lambda: payload[:at] + other[: drawn.randrange(len(other) + 1)],
        lambda: payload[:at] + bytes([drawn.randrange(256)]) + payload[at + 1 :],
        lambda: payload[:at] + str(drawn.choice(_WORDS)).encode("utf-8", "replace") + payload[end:],
    )
    return drawn.choice(ways)()


def _json_change(drawn: random.Random, payload: bytes) -> bytes:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return _byte_change(drawn, payload, payload)
    holders = _holders(document)
    if not holders:
        return payload
    holder = drawn.choice(holders)
    value: Any = drawn.choice(_WORDS)
    if isinstance(holder, dict):
        keys = [*holder, drawn.choice(("v", "seq", "boot", "ranges", "samples", "x" * 60))]
        key = drawn.choice(keys)
        if drawn.random() < 0.2:
            holder.pop(key, None)
        else:
            times = min(drawn.choice((1, 2, 600)), 1 + 4 * _MAX_BYTES // len(payload))
            holder[key] = drawn.choice((value, [holder.get(key)] * times, {"a": holder.get(key)}))
    else:
        holder.insert(drawn.randrange(len(holder) + 1), value)
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return payload


def _holders(document: object) -> list[Any]:
    """Return the objects and lists of a document, itself included; at most some hundreds."""
    found: list[Any] = []
    pending = [document]
    while pending and len(found) < 300:
        value = pending.pop()
        if isinstance(value, (dict, list)):
            found.append(value)
            pending.extend(value.values() if isinstance(value, dict) else value[:50])
    return found
