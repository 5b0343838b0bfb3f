"""Commands to a device and their results: accepted, then done or failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from edgeslm_agent.contract import fields
from edgeslm_agent.contract.codec import Malformed, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

Operation = Literal["generate", "embed", "classify", "measure", "ping"]
State = Literal["accepted", "done", "failed"]
MAX_PROMPT = 32 * 1024  # characters
MAX_TEXT = 64 * 1024
MAX_EMBEDDING = 8192  # numbers; the widest public sentence encoders give 4096
MAX_ERROR = 500
MAX_TOKENS = 1_000_000
DEFAULT_TTL_S = 60.0
MAX_TTL_S = 24 * 3600.0


@dataclass(frozen=True)
class Command:
    """What a device is asked to do. `ttl_s` counts from its arrival: work that has not begun by then is refused."""

    id: str
    op: Operation
    prompt: str = ""
    max_tokens: int | None = None
    ttl_s: float = DEFAULT_TTL_S

    def payload(self) -> bytes:
        """Return the wire form."""
        body: dict[str, Any] = {"id": self.id, "op": self.op, "ttl_s": self.ttl_s}
        if self.prompt:
            body["prompt"] = self.prompt
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        return encode(body)


@dataclass(frozen=True)
class Result:
    """What became of a command.

    `text` is the answer or the label, `embedding` the vector of an `embed`. `figures` are numbers of this one answer,
    such as `first_token_s` and `decode_tps`.
    """

    id: str
    state: State
    text: str | None = None
    error: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    embedding: tuple[float, ...] = ()

    def payload(self) -> bytes:
        """Return the wire form. Raises Malformed `too big`."""
        body: dict[str, Any] = {"id": self.id, "state": self.state}
        optional = {
            "text": self.text,
            "error": self.error,
            "figures": dict(self.figures) or None,
            "embedding": self.embedding or None,
        }
        return encode({**body, **{name: value for name, value in optional.items() if value is not None}})


def parse_command(payload: bytes) -> Command:
    """Read a command. Raises Malformed."""
    return command_of(decode(payload))


def command_of(document: Mapping[str, Any]) -> Command:
    """Read a command from its decoded document. Raises Malformed."""
    op = fields.label(document, "op")
    if op not in get_args(Operation):
        raise Malformed("field op")
    return Command(
        id=fields.label(document, "id"),
        op=cast(Operation, op),
        prompt=fields.text(document, "prompt", MAX_PROMPT) if "prompt" in document else "",
        max_tokens=fields.integer(document, "max_tokens", 1, MAX_TOKENS) if "max_tokens" in document else None,
        ttl_s=fields.number(document, "ttl_s", 0.0, MAX_TTL_S) if "ttl_s" in document else DEFAULT_TTL_S,
    )


def parse_result(payload: bytes) -> Result:
    """Read a result. Raises Malformed."""
    document = decode(payload)
    state = fields.label(document, "state")
    if state not in get_args(State):
        raise Malformed("field state")
    figures = document.get("figures", {})
    if not isinstance(figures, dict):
        raise Malformed("field figures")
    return Result(
        id=fields.label(document, "id"),
        state=cast(State, state),
        text=fields.text(document, "text", MAX_TEXT) if "text" in document else None,
        error=fields.text(document, "error", MAX_ERROR) if "error" in document else None,
        figures=fields.numbers(figures, 64),
        embedding=fields.vector(document, "embedding", MAX_EMBEDDING),
    )
