"""Does LiteRT-LM answer from the files we pack for it as our engine does?

The built-in model is exported to TFLite with --litertlm in three recipes, and once with a tokenizer that puts a first
token before every text. Both sides answer the same texts and conversations greedily. What LiteRT-LM makes of a
conversation with the packed template of every family in tests/references/templates must also be what a device makes
of it. Not a measurement but a check (`make litert-lm`): it prints what differs, then `N passed, N failed`, and exits 1
on a difference.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.environments import ROOT, peer_python
from bench.models import DEVICE, EDGESLM
from edgeslm import builtin
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session
from edgeslm_agent.engine.template.program import Program
from edgeslm_agent.engine.template.values import TemplateRefusal
from edgeslm_exporters.chat_template import compile_template
from edgeslm_exporters.tflite.llm_metadata import standalone_template
from support.conversations import families

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPES = ("fp32", "wi8-afp32", "wi4b32-afp32")
TOKENS = 48
SENTENCES = ("turn on the kitchen light", "set the bedroom to 19 degrees", "is the garage door open?", "good night")
SHAPES = (("user",), ("system", "user"), ("user", "assistant", "user"))
SAID = {"system": " Be brief.\n", "user": "\n Why? <b>&\"'</b> ", "assistant": "Because."}


def main() -> int:
    """Compare everything; 1 when something differs."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="edgeslm-litert-lm-") as folder:
        for line in (*_answers(Path(folder)), *_first_token(Path(folder)), *_templates(Path(folder))):
            passed, failed = (passed + 1, failed) if not line else (passed, failed + 1)
            if line:
                print(line)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _answers(folder: Path) -> Iterator[str]:
    """Yield one line a sentence, recipe and way to ask: '' where both sides answer the same."""
    texts = [f"<|user|>{sentence}<|assistant|>" for sentence in SENTENCES]
    chats = [[{"role": "user", "content": sentence}] for sentence in SENTENCES]
    for recipe in RECIPES:
        out = _exported(builtin.home(), recipe, folder / recipe)
        theirs = _asked(out, texts=texts, conversations=chats)
        with Session.open(open_bundle(out), threads=1) as session:
            ours = [session.complete(session.encode(text), Generation(max_tokens=TOKENS)).text for text in texts]
        yield from _compared(recipe, texts, ours, theirs["texts"])
        yield from _compared(f"{recipe}, chat", SENTENCES, ours, theirs["answers"])


def _first_token(folder: Path) -> Iterator[str]:
    """Let the tokenizer put <|user|> before every text, and leave it out of the texts."""
    checkpoint = folder / "checkpoint"
    shutil.copytree(builtin.home(), checkpoint)
    settings = checkpoint / "tokenizer_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "add_bos_token": True}))
    texts = [f"{sentence}<|assistant|>" for sentence in SENTENCES]
    out = _exported(checkpoint, "fp32", folder / "first-token")
    with Session.open(open_bundle(out), threads=1) as session:
        ours = [session.complete(session.encode(text), Generation(max_tokens=TOKENS)).text for text in texts]
    yield from _compared("first token", texts, ours, _asked(out, texts=texts)["texts"])


def _templates(folder: Path) -> Iterator[str]:
    """Yield one line a family and shape of conversation that its template takes."""
    conversations = [[{"role": role, "content": SAID[role]} for role in shape] for shape in SHAPES]
    names, asked, ours = [], [], []
    for name, (template, tokens) in families().items():
        program = Program.load(compile_template(template, tokens).program)
        for messages in conversations:
            try:
                ours.append(program.render(messages, {"add_generation_prompt": True}, now=datetime.now))
            except TemplateRefusal:
                continue
            names.append(f"{name}, {len(messages)} messages")
            asked.append({"template": standalone_template(template, tokens), "messages": messages})
    yield from _compared("template", names, ours, _asked(folder / RECIPES[0], templates=asked)["rendered"])


def _exported(checkpoint: Path, recipe: str, out: Path) -> Path:
    how = f"--device {DEVICE} --format tflite --recipe {recipe} --gate none --no-measure".split()
    command: list[str | Path] = [EDGESLM, "export", checkpoint, *how, "-o", out, "--litertlm", _packed(out)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return out


def _packed(bundle: Path) -> Path:
    return bundle.with_suffix(".litertlm")


def _asked(bundle: Path, **questions: Any) -> dict[str, list[str]]:  # noqa: ANN401  # JSON
    command: list[str | Path] = [peer_python("litert-lm"), "-m", "bench.sides.litert_lm_answers", _packed(bundle)]
    told = json.dumps({"tokens": TOKENS, **questions})
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, input=told)
    if done.returncode != 0:
        raise SystemExit(f"LiteRT-LM failed:\n{done.stderr[-2000:]}")
    said: dict[str, list[str]] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


def _compared(what: str, asked: tuple[str, ...] | list[str], ours: list[str], theirs: list[str]) -> Iterator[str]:
    for question, our, their in zip(asked, ours, theirs, strict=True):
        yield "" if our == their and our else f"{what}: {question}\n  ours      {our!r}\n  LiteRT-LM {their!r}"


if __name__ == "__main__":
    sys.exit(main())
