"""Chat templates and stop tokens become plain data, so that a device needs no template engine.

    template -> parsed by Jinja, reduced to what a device can change -> program -> run on made-up conversations, where
    it must say to the letter what Jinja says -> ChatFormat: the program, and what the template has a place for

The device's own bounded interpreter runs first, so a template that would not end is refused before Jinja runs it.
"""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from edgeslm_agent.contract.manifest import ChatFormat
from edgeslm_agent.engine.template.program import Program
from edgeslm_agent.engine.template.values import TemplateFault, TemplateRefusal
from edgeslm_agent.errors import BadCheckpoint, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment, Template

    from edgeslm_exporters.checkpoint import SideFiles

    Conversation = list[dict[str, str]]

_SYSTEM, _USER, _ASSISTANT = (
    f"\ue000{name}\ue001" for name in ("system", "user", "assistant")
)  # in no template or text
_TEMPLATE_LIMIT = 2**18  # characters; the longest published ones have about 2**14
_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_MOMENT = datetime(2024, 7, 26, 12, 30)  # noqa: DTZ001  # templates print the local time


def compile_chat(checkpoint: SideFiles) -> ChatFormat | None:
    """Return the chat format, or None when the checkpoint has no template.

    Raises BadCheckpoint when the template cannot be run on a device or hides the user's text, MissingExtra without
    jinja2.
    """
    template = jinja_template(checkpoint)
    return None if template is None else compile_template(template, checkpoint.tokenizer_config)


def compile_template(template: str, config: Mapping[str, Any]) -> ChatFormat:
    """Return the chat format of a template, with the special tokens of a tokenizer_config.json.

    Raises as `compile_chat` does.
    """
    constants = _constants(config)
    text = _compiled(template, constants)
    program = _program(text)
    options = [name for name in ("enable_thinking", "thinking") if f'["name", "{name}"]' in text]
    _prove(program, template, constants, options)
    if not _shows(program, [("user", _USER)]):
        raise _unusable("it does not show the user's text")
    return ChatFormat(
        program=text,
        system=_shows(program, [("system", _SYSTEM), ("user", _USER)]),
        turns=_shows(program, [("user", _USER), ("assistant", _ASSISTANT), ("user", _USER)]),
        thinking=bool(options),
    )


def bos_token(checkpoint: SideFiles) -> int | None:
    """Return the id that the checkpoint's own tokenizer puts before every text, or None.

    The engine encodes without special tokens and prepends this one, except to a chat: a template writes its own.
    """
    facts, name = checkpoint.tokenizer, _special_token(checkpoint.tokenizer_config, "bos_token")
    if facts.prefix:
        return facts.prefix[0]
    return facts.special.get(name) if checkpoint.tokenizer_config.get("add_bos_token") is True else None


def stop_tokens(checkpoint: SideFiles) -> tuple[int, ...]:
    """Return the ids that end an answer, sorted: what the configs name, and what ends a turn of the template."""
    found: set[int] = set()
    for config in (checkpoint.config, checkpoint.generation_config):
        named = config.get("eos_token_id")
        found.update(index for index in (named if isinstance(named, list) else [named]) if isinstance(index, int))
    special = checkpoint.tokenizer.special
    names = (_special_token(checkpoint.tokenizer_config, "eos_token"), _end_of_turn(checkpoint, special))
    found.update(special[name] for name in names if name in special)
    return tuple(sorted(found))


def _end_of_turn(checkpoint: SideFiles, special: Mapping[str, int]) -> str:
    """Return the special token that follows an assistant's message, or ''."""
    template = jinja_template(checkpoint)
    if template is None:
        return ""
    program = _program(_compiled(template, _constants(checkpoint.tokenizer_config)))
    text = _tried(program, [("user", _USER), ("assistant", _ASSISTANT)], prompt=False)
    after = text.partition(_ASSISTANT)[2].lstrip()
    return max((token for token in special if token and after.startswith(token)), key=len, default="")


def jinja_template(checkpoint: SideFiles) -> str | None:
    """Return the default template: a file of its own, or an entry of tokenizer_config.json (text or named list).

    Raises BadCheckpoint when it is no text, or a very long one.
    """
    template: Any = checkpoint.chat_template_file or checkpoint.tokenizer_config.get("chat_template")
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    if template is None or template == "":
        return None
    if not isinstance(template, str) or len(template) > _TEMPLATE_LIMIT:
        raise _unusable(f"it is not a text of at most {_TEMPLATE_LIMIT} characters")
    return template


def special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of special tokens in a tokenizer_config.json, by the names that templates have for them."""
    tokens = {name: _special_token(config, name) for name in _TOKENS}
    return {name: token for name, token in tokens.items() if token}


def _constants(config: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what `transformers` gives every template of a checkpoint besides the conversation."""
    return {**special_tokens(config), "tools": None, "documents": None}


def _compiled(template: str, constants: Mapping[str, str | None]) -> str:
    """Return the program of a template as JSON. Raises BadCheckpoint when there is none."""
    environment = _environment()
    import jinja2

    from edgeslm_exporters.templates.lowering import Unsupported, lower

    try:
        program = lower(environment.parse(template), constants)
    except (jinja2.TemplateError, Unsupported) as error:
        raise _unusable(str(error)) from error
    except RecursionError as error:
        raise _unusable("it is nested too deeply") from error
    return json.dumps(program, ensure_ascii=False)


def _program(text: str) -> Program:
    try:
        return Program.load(text)
    except TemplateFault as fault:
        raise _unusable(str(fault)) from fault


def _prove(program: Program, template: str, constants: Mapping[str, str | None], options: list[str]) -> None:
    """Raise BadCheckpoint unless the program says of made-up conversations what Jinja says.

    Where the program fails, Jinja is not asked: it might compute for hours where a device gives up.
    """
    by_jinja = None
    for messages, variables in _made_up(options):
        try:
            ours = _said_by(program, messages, variables)
        except TemplateFault as fault:
            if fault.too_much:
                raise _unusable(str(fault)) from fault
            continue
        by_jinja = by_jinja or _environment().from_string(template)
        theirs = _said_by_jinja(by_jinja, messages, {**constants, **variables})
        if ours != theirs:
            raise _unusable(f"a device would not render it as Jinja does: {ours!r:.200} instead of {theirs!r:.200}")


def _made_up(options: list[str]) -> Iterator[tuple[Conversation, dict[str, object]]]:
    """Yield conversations and variables that lead through the branches of a template."""
    shapes = ("u", "su", "uau", "suau", "uauau", "a", "uu", "s", "ua")
    texts = {"s": "  Be brief.\n", "u": "\n Why? <b>&\"'</b> ", "a": "<think>\nSo.\n</think>\n\n Because.\n"}
    roles = {"s": "system", "u": "user", "a": "assistant"}
    switches = [("add_generation_prompt", True), *((name, on) for name in options for on in (True, False))]
    for shape in shapes:
        messages = [{"role": roles[letter], "content": texts[letter]} for letter in shape]
        yield messages, {"add_generation_prompt": False}
        for name, on in switches:
            yield messages, {"add_generation_prompt": True, name: on}


def _shows(program: Program, messages: list[tuple[str, str]]) -> bool:
    """Return whether a template accepts messages and shows all their texts in order."""
    text, place = _tried(program, messages, prompt=True), 0
    for _, content in messages:
        place = text.find(content, place) if place >= 0 else -1
    return place >= 0


def _said_by(program: Program, messages: Conversation, variables: Mapping[str, object]) -> str | None:
    """Return what a program makes of messages, None when it refuses them. Raises TemplateFault when it fails."""
    try:
        return program.render(messages, variables, now=lambda: _MOMENT)
    except TemplateRefusal:
        return None


def _tried(program: Program, messages: list[tuple[str, str]], *, prompt: bool) -> str:
    """Return what a program makes of messages, '' when it refuses or fails."""
    conversation = [{"role": role, "content": content} for role, content in messages]
    try:
        return _said_by(program, conversation, {"add_generation_prompt": prompt}) or ""
    except TemplateFault:
        return ""


def _said_by_jinja(template: Template, messages: Conversation, variables: Mapping[str, object]) -> str | None:
    """Return what Jinja makes of messages, in a sandbox, since a template is a program of somebody else."""
    import jinja2

    try:
        return template.render(messages=messages, **variables)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, SyntaxError, RecursionError):
        return None


def _environment() -> Environment:
    """Return Jinja as `transformers` sets it up: blocks trimmed, with `break`, `continue` and `generation`.

    Raises MissingExtra without jinja2.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtra("reading a chat template needs jinja2", "pip install 'edgeslm[export]'")
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from edgeslm_exporters.templates.generation_tag import GenerationTag

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # the optimizer would compute 'x' * 10**9 while it compiles
        extensions=["jinja2.ext.loopcontrols", GenerationTag],
    )
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _MOMENT.strftime}
    return environment


def _refuse(message: str) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(message)


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
