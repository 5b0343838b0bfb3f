"""What LiteRT-LM must know of a decoder besides its graph, as the protobuf message LlmMetadata.

Fields and numbers: runtime/proto/llm_metadata.proto and token.proto of https://github.com/google-ai-edge/LiteRT-LM.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.chat_template import bos_token, jinja_template, special_tokens, stop_tokens
from edgeslm_exporters.protobuf import content, field, fields, varint, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.checkpoint import Checkpoint

START, STOP, LIMIT, MODEL_TYPE, TEMPLATE, THINKING, CALLING = 1, 2, 5, 6, 7, 11, 12  # fields of LlmMetadata
TOKEN_IDS, TOKEN_TEXT = 1, 2  # of TokenUnion
IDS = 1  # of TokenIds
GENERIC = 1  # of LlmModelType

# LiteRT-LM hands a template lists of parts where transformers hands it texts, leaves tools undefined where transformers
# says none, and names no special tokens.
_AS_TRANSFORMERS = (
    "{%- set tools = tools if tools else none -%}"
    "{%- set documents = documents if documents else none -%}"
    "{%- set flat = namespace(messages=[]) -%}"
    "{%- for message in messages -%}"
    "{%- set text = message.content if message.content is string"
    " else message.content | map(attribute='text') | join('') -%}"
    "{%- set flat.messages = flat.messages + [{'role': message.role, 'content': text}] -%}"
    "{%- endfor -%}"
    "{%- set messages = flat.messages -%}"
)
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_IS_NONE, _IS_NOT_NONE = re.compile(r"\bis\s+none\b"), re.compile(r"\bis\s+not\s+none\b")

Token = int | str


@dataclass(frozen=True)
class LlmMetadata:
    """`start` stands before every text and conversation, `stops` end an answer; a token is its id or its text.

    `context` is the capacity of the cache in tokens, `template` a chat template in Jinja that leaves `start` out.
    """

    context: int
    start: Token | None
    stops: tuple[Token, ...]
    template: str | None

    def to_bytes(self) -> bytes:
        """Return the message."""
        parts = [field(START, _token(self.start))] if self.start is not None else []
        parts += [field(STOP, _token(stop)) for stop in self.stops]
        parts += [field(LIMIT, self.context), field(MODEL_TYPE, field(GENERIC, b""))]
        parts += [field(TEMPLATE, self.template)] if self.template is not None else []
        return b"".join([*parts, field(THINKING, 0), field(CALLING, 0)])


def llm_metadata(checkpoint: Checkpoint, context: int) -> LlmMetadata:
    """Return what a checkpoint says of itself, for a cache of `context` tokens.

    Raises BadCheckpoint where its chat template is none.
    """
    start, template = bos_token(checkpoint), jinja_template(checkpoint)
    if template is not None:
        tokens = special_tokens(checkpoint.tokenizer_config)
        if start is not None:
            tokens["bos_token"] = ""  # LiteRT-LM puts it in front itself
        template = standalone_template(template, tokens)
    return LlmMetadata(context, start, stop_tokens(checkpoint), template)


def standalone_template(template: str, tokens: Mapping[str, str]) -> str:
    """Return a template that needs of its runtime nothing but messages, whose contents may be lists of parts."""
    named = [f"{{%- set {name} = {json.dumps(text)} -%}}" for name, text in tokens.items() if name in template]
    return "".join([*named, _AS_TRANSFORMERS, _TAG.sub(lambda tag: _compared(tag[0]), template)])


def _compared(tag: str) -> str:
    """Spell tests for none as comparisons: LiteRT-LM's engine answers `none is none` with no."""
    return _IS_NONE.sub("== none", _IS_NOT_NONE.sub("!= none", tag))


def parse_llm_metadata(data: bytes) -> LlmMetadata:
    """Read a message; fields that are not named above are passed over.

    Raises Corrupt when it is cut off or no such message.
    """
    start: Token | None = None
    stops: list[Token] = []
    context, template = 0, None
    try:
        for number, value in fields(data):
            if number == START:
                start = _read_token(value)
            elif number == STOP:
                stops.append(_read_token(value))
            elif number == LIMIT and isinstance(value, int):
                context = value
            elif number == TEMPLATE:
                template = content(value).decode()
    except (IndexError, ValueError, StopIteration) as error:
        raise Corrupt(f"its LlmMetadata cannot be read: {error}", "make the file again") from error
    return LlmMetadata(context, start, tuple(stops), template)


def _token(token: Token) -> bytes:
    if isinstance(token, str):
        return field(TOKEN_TEXT, token.encode())
    return field(TOKEN_IDS, field(IDS, varint(token)))  # a packed list of one


def _read_token(data: int | bytes) -> Token:
    """Return the text or the first id of a TokenUnion; ids may be packed or single."""
    number, value = next(fields(content(data)))
    if number == TOKEN_TEXT:
        return content(value).decode()
    return whole_numbers([next(fields(content(value)))[1]])[0]
