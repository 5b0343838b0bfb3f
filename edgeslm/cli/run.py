"""`edgeslm run BUNDLE [PROMPT]`: answer a prompt with a bundle on this machine; the prompt may come from stdin."""

from __future__ import annotations

import sys
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import encoder, output
from edgeslm_agent.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm_agent.engine.generation import Completion, Generation
    from edgeslm_agent.engine.prompt import Message
    from edgeslm_agent.engine.session import Session

MAX_PROMPT_CHARACTERS = 1_000_000


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="the text to answer; read from stdin when left out")
    parser.add_argument("--max-tokens", type=int, default=128, metavar="N", help="stop after N tokens (default 128)")
    parser.add_argument("--greedy", action="store_true", help="always take the most likely token")
    parser.add_argument("--temperature", type=float, default=0.7, help="spread of the sampling (default 0.7)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sampling (default 0)")
    parser.add_argument(
        "--system", metavar="TEXT", help="a system message before the prompt, where the model takes one"
    )
    parser.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="end the answer before this text (repeat)"
    )
    parser.add_argument(
        "--thinking",
        action=BooleanOptionalAction,
        help="let a model that can reason first do so, or not (default: as its chat template likes)",
    )
    parser.add_argument("--raw", action="store_true", help="give the prompt as it is, without the model's chat format")
    parser.add_argument("--threads", type=int, metavar="N", help="threads to use (default: the machine's big cores)")


def run(options: Namespace) -> int:
    """Load, answer, and show the text on stdout and the figures on stderr."""
    from edgeslm_agent.bundle import EncoderBundle, open_any
    from edgeslm_agent.engine.session import Session

    prompt = options.prompt if options.prompt is not None else _read_stdin()
    bundle = open_any(options.bundle)
    if isinstance(bundle, EncoderBundle):
        return encoder.answer(options, bundle, prompt)
    with Session.open(bundle, threads=options.threads) as session:
        completion = session.complete(_prompt(options, prompt), _generation(options))
        _show(session, completion, as_json=options.json)
    return 0


def _generation(options: Namespace) -> Generation:
    from edgeslm_agent.engine.generation import Generation

    temperature = 0.0 if options.greedy else options.temperature
    return Generation(
        max_tokens=options.max_tokens,
        temperature=temperature,
        seed=options.seed,
        chat=not options.raw,
        thinking=options.thinking,
        stop=tuple(options.stop),
    )


def _prompt(options: Namespace, text: str) -> str | list[Message]:
    """Return the text, or the conversation that a system message makes of it."""
    if options.system is None:
        return text
    if options.raw:
        raise UsageError("--raw leaves no place for --system", "write the system message into the prompt yourself")
    return [{"role": "system", "content": options.system}, {"role": "user", "content": text}]


def _read_stdin() -> str:
    prompt = sys.stdin.read(MAX_PROMPT_CHARACTERS)
    if not prompt.strip():
        raise UsageError("no prompt", 'give one: edgeslm run BUNDLE "turn on the kitchen light"')
    return prompt.rstrip("\n")


def _show(session: Session, completion: Completion, *, as_json: bool) -> None:
    from edgeslm_agent.host import peak_rss_bytes

    figures = completion.figures
    if as_json:
        body = {
            "on": "host",
            "text": completion.text,
            "token_ids": list(completion.token_ids),
            "stop_reason": completion.stop_reason,
            "prompt_tokens": figures.prompt_tokens,
            "first_token_s": figures.first_token_s,
            "prefill_tps": figures.prefill_tps,
            "decode_tps": figures.decode_tps,
            "load_s": session.load_s,
            "peak_rss_bytes": peak_rss_bytes(),
        }
        output.document("edgeslm.run/1", body)
        return
    output.result(completion.text)
    output.story(
        f"{len(completion.token_ids)} tokens, first after {figures.first_token_s * 1000:.0f} ms, "
        f"{figures.decode_tps or 0:.0f} tokens/s; "
        f"prompt of {figures.prompt_tokens} at {figures.prefill_tps:.0f} tokens/s; loaded in {session.load_s:.2f} s"
    )
