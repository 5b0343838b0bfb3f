"""From a conversation to the ids of a prompt: the bundle's chat template, then its tokenizer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgeslm_agent.engine.template.program import Program
from edgeslm_agent.engine.template.values import TemplateFault, TemplateRefusal
from edgeslm_agent.errors import Corrupt, Incompatible, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from edgeslm_agent.contract.manifest import ChatFormat
    from edgeslm_agent.engine.generation import Generation
    from edgeslm_agent.engine.tokenizer import Tokenizer

Message: TypeAlias = Mapping[str, str]

ROLES = ("system", "user", "assistant")
# Around a special token in a message that shall be read as text; for private use, and those that transformers takes.
_OPEN, _CLOSE = "\U000f0000", "\U000f0001"
_FORM = 'write messages as {"role": "system", "user" or "assistant", "content": text}'


class ChatTemplate:
    """A bundle's chat format, ready to be used."""

    def __init__(self, chat: ChatFormat) -> None:
        """Raise Corrupt when the program in the manifest is none."""
        self._chat = chat
        try:
            self._program = Program.load(chat.program)
        except TemplateFault as fault:
            raise Corrupt(f"the bundle's chat template is broken: {fault}", "export the bundle again") from fault

    def render(self, messages: Sequence[Message], options: Generation) -> str:
        """Return the prompt's text, up to where the answer begins.

        Raises UsageError for messages that are none or that the template refuses, Incompatible when the template has no
        place for a system message, for earlier turns or for `thinking`.
        """
        _check(messages)
        self._check_place(messages, options)
        variables: dict[str, object] = {"add_generation_prompt": True}
        if options.thinking is not None:
            variables |= {"enable_thinking": options.thinking, "thinking": options.thinking}
        try:
            return self._program.render(messages, variables)
        except TemplateRefusal as refusal:
            raise UsageError(
                f"the model's chat template refuses the messages: {refusal}", "end with a user's message; see its card"
            ) from refusal
        except TemplateFault as fault:
            raise Incompatible(
                f"the model's chat template fails on these messages: {fault}", "shorten them, or ask without chat"
            ) from fault

    def encode(
        self, messages: Sequence[Message], options: Generation, tokenizer: Tokenizer, answer: str = ""
    ) -> list[int]:
        """Return the ids of the prompt and of the beginning of an answer; raises as `render` does.

        No first token is put before them: the template writes its own.
        """
        if options.special_tokens:
            return tokenizer.encode(self.render(messages, options) + answer)
        _check(messages)
        special = _any_of(tokenizer.special_tokens)
        marked = [{**message, "content": _marked(message["content"], special)} for message in messages]
        return _encode_marked(self.render(marked, options) + answer, special, tokenizer)

    def _check_place(self, messages: Sequence[Message], options: Generation) -> None:
        roles = [message["role"] for message in messages]
        if "system" in roles and not self._chat.system:
            raise Incompatible(
                "the model's chat template has no place for a system message", "begin the first user message with it"
            )
        if "assistant" in roles and not self._chat.turns:
            raise Incompatible("the model's chat template has no place for earlier turns", "send one user message")
        if options.thinking is not None and not self._chat.thinking:
            raise Incompatible("the model's chat template does not ask whether to think", "leave `thinking` out")


def _check(messages: Sequence[Message]) -> None:
    """Raise UsageError for what is no conversation of texts."""
    if not messages:
        raise UsageError("the conversation is empty", _FORM)
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("content"), str):
            raise UsageError("a message has no text as its content", _FORM)
        if message.get("role") not in ROLES or len(message) != 2:
            extra = sorted(map(str, message.keys() - {"role", "content"}))
            what = f"with {', '.join(extra)}" if extra else f"of role {message.get('role')!r}"
            raise UsageError(f"a message {what}: tools and other roles are not supported", _FORM)


def _any_of(tokens: Mapping[str, int]) -> re.Pattern[str]:
    """Match any special token, the longest first; nothing when there are none."""
    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _marked(text: str, special: re.Pattern[str]) -> str:
    """Put marks around the special tokens in a text; marks that it holds itself could forge one, and go."""
    clean = text.replace(_OPEN, "").replace(_CLOSE, "")
    return special.sub(lambda found: f"{_OPEN}{found[0]}{_CLOSE}", clean)


def _encode_marked(text: str, special: re.Pattern[str], tokenizer: Tokenizer) -> list[int]:
    """Encode with marked tokens as plain characters; a mark that the template tore off separates, and goes."""
    pieces = re.split(f"{_OPEN}({special.pattern}){_CLOSE}|[{_OPEN}{_CLOSE}]", text)
    ids = tokenizer.encode(pieces[0])
    newline = tokenizer.encode("\n")
    for index, piece in enumerate(pieces[1:], start=1):
        if piece:
            encode = tokenizer.encode_plain if index % 2 else tokenizer.encode
            # After a newline, lest a tokenizer put the space before it that it puts at the beginning of a text.
            found = encode("\n" + piece)
            ids += found[len(newline) :] if found[: len(newline)] == newline else encode(piece)
    return ids
