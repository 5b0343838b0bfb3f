"""Chat templates and stop tokens become plain data, so that a device needs no template engine.

A template is rendered here with marks in place of the messages: what stands before and after the user's mark is the
single-turn format, and the special token that follows the assistant's mark ends an answer.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, NoReturn

from edgeslm_agent.contract.manifest import ChatFormat
from edgeslm_agent.errors import BadCheckpoint, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.checkpoint import Checkpoint

_USER, _ASSISTANT = "\ue000user\ue001", "\ue000assistant\ue001"  # private use: no template and no text contains them
_TEMPLATE_LIMIT = 2**18  # characters; the longest published ones have about 2**14


def compile_chat(checkpoint: Checkpoint) -> ChatFormat | None:
    """Return the single-turn chat format, or None when the checkpoint has no template.

    A first token that the engine prepends anyway (`bos_token`) is left out.
    Raises BadCheckpoint when the template cannot be rendered or hides the user's text, MissingExtra without jinja2.
    """
    template = _template(checkpoint)
    if template is None:
        return None
    text = _render(checkpoint, template, [{"role": "user", "content": _USER}], add_generation_prompt=True)
    if text.count(_USER) != 1:
        raise _unusable("it does not show the user's text exactly once")
    before, after = text.split(_USER)
    first = _special_token(checkpoint.tokenizer_config, "bos_token")
    if first and bos_token(checkpoint) is not None:
        before = before.removeprefix(first)
    return ChatFormat(before, after)


def bos_token(checkpoint: Checkpoint) -> int | None:
    """Return the id that the checkpoint's own tokenizer puts before every text, or None.

    The engine encodes without special tokens and prepends this one.
    """
    facts, name = checkpoint.tokenizer, _special_token(checkpoint.tokenizer_config, "bos_token")
    if facts.prefix:
        return facts.prefix[0]
    return facts.special.get(name) if checkpoint.tokenizer_config.get("add_bos_token") is True else None


def stop_tokens(checkpoint: Checkpoint) -> tuple[int, ...]:
    """Return the ids that end an answer, sorted: what the configs name, and what ends a turn of the template."""
    found: set[int] = set()
    for config in (checkpoint.config, checkpoint.generation_config):
        named = config.get("eos_token_id")
        found.update(index for index in (named if isinstance(named, list) else [named]) if isinstance(index, int))
    special = checkpoint.tokenizer.special
    names = (_special_token(checkpoint.tokenizer_config, "eos_token"), _end_of_turn(checkpoint, special))
    found.update(special[name] for name in names if name in special)
    return tuple(sorted(found))


def _end_of_turn(checkpoint: Checkpoint, special: Mapping[str, int]) -> str:
    """Return the special token that follows an assistant's message, or ''."""
    template = _template(checkpoint)
    if template is None:
        return ""
    messages = [{"role": "user", "content": _USER}, {"role": "assistant", "content": _ASSISTANT}]
    after = _render(checkpoint, template, messages, add_generation_prompt=False).rpartition(_ASSISTANT)[2].lstrip()
    return max((token for token in special if token and after.startswith(token)), key=len, default="")


def _template(checkpoint: Checkpoint) -> str | None:
    """Return the default template: a file of its own, or an entry of tokenizer_config.json (text or named list)."""
    template: Any = checkpoint.chat_template_file or checkpoint.tokenizer_config.get("chat_template")
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    if template is None or template == "":
        return None
    if not isinstance(template, str) or len(template) > _TEMPLATE_LIMIT:
        raise _unusable(f"it is not a text of at most {_TEMPLATE_LIMIT} characters")
    return template


def _render(
    checkpoint: Checkpoint, template: str, messages: list[dict[str, str]], *, add_generation_prompt: bool
) -> str:
    """Render as `transformers` does: blocks trimmed, in a sandbox, since a template is a program of somebody else."""
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtra("reading a chat template needs jinja2", "pip install 'edgeslm[export]'")
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> NoReturn:
        raise jinja2.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    config = checkpoint.tokenizer_config
    tokens = {name: _special_token(config, name) for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    try:
        return environment.from_string(template).render(
            messages=messages, add_generation_prompt=add_generation_prompt, raise_exception=refuse, **tokens
        )
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _unusable(str(error)) from error


def _special_token(config: Mapping[str, Any], name: str) -> str:
    """Return a special token's text; configs write it bare or as an object with `content`."""
    value = config.get(name)
    value = value.get("content") if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


def _unusable(why: str) -> BadCheckpoint:
    return BadCheckpoint(
        f"the checkpoint's chat template cannot be used: {why}",
        "remove chat_template from the checkpoint to export it without one",
    )
