"""The model card, its figures measured on the weights that ship.

How long and on how much was trained comes from the checkpoint that the training kept.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .evaluate import TASKS, by_kind, exact, load, read, write
from .model import count
from .noun_phrases import FORMS
from .overlap import plain
from .sentences import CHUNK, TEMPLATES, Mixture
from .split import COMBINATION_SHARE, TEMPLATE_SHARE, compact, held_out_template
from .train import Plan
from .vocabulary import AREAS, DEVICE_KEYS, DOORS, ROOMS

TARGETS = {"combinations": 97.0, "templates": 90.0, "lists": 85.0, "free": 85.0}
WHAT = {
    "combinations": "trained templates, a combination of slots never trained on",
    "templates": "at least one template never trained on",
    "lists": "three steps, a combination never trained on",
    "free": "written freely, without sight of the templates",
}
KINDS = ("one step", "two steps", "three steps", "none", "with a time", "with an open name")


@dataclass(frozen=True)
class Measured:
    """Exact matches of one task file, in all and by kind: (right, of)."""

    name: str
    counts: dict[str, tuple[int, int]]

    @property
    def match(self) -> float:
        """Exact match in per cent."""
        right, total = self.counts["all"]
        return 100 * right / total

    def line(self) -> str:
        """The row of the results table."""
        verdict = "reached" if self.match >= TARGETS[self.name] else f"missed by {TARGETS[self.name] - self.match:.1f}"
        _, total = self.counts["all"]
        what, target = WHAT[self.name], TARGETS[self.name]
        return f"| {self.name} | {what} | {total} | **{self.match:.1f}** | {target:.0f} | {verdict} |"

    def kinds(self) -> str:
        """The row of the table by kind."""
        cells = (self.counts.get(kind) for kind in KINDS)
        return f"| {self.name} | " + " | ".join(f"{100 * c[0] / c[1]:.1f} ({c[1]})" if c else "" for c in cells) + " |"


def card(run: Path, home: Path) -> str:
    """The text of the card."""
    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    facts = {**_weights(home), **_training(run), **_data(), **_results(run, home)}
    for key, value in facts.items():
        template = template.replace(f"<{key}>", value)
    return template


def _weights(home: Path) -> dict[str, str]:
    model, _ = load(home)
    config: dict[str, Any] = json.loads((home / "config.json").read_text())
    size = (home / "model.safetensors").stat().st_size
    shape = (
        f"hidden {config['hidden_size']}, {config['num_hidden_layers']} layers, {config['num_attention_heads']} heads "
        f"({config['num_key_value_heads']} for keys and values), head_dim {config['head_dim']}, "
        f"ffn {config['intermediate_size']}, vocabulary {config['vocab_size']}, "
        f"{config['max_position_embeddings']} positions"
    )
    return {"parameters": f"{count(model):,}".replace(",", " "), "size": f"{size / 1e6:.2f} MB", "shape": shape}


def _training(run: Path) -> dict[str, str]:
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    plan = Plan(examples=state["chunk"] * CHUNK)
    return {
        "seed": str(plan.seed),
        "examples": f"{plan.examples / 1e6:.2f} million",
        "tokens": f"{state['tokens'] / 1e6:.0f} million",
        "minutes": f"{state['seconds'] / 60:.0f}",
        "machine": _machine(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }  # fmt: skip


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of an {cpu} shared with other work ({versions})"


def _data() -> dict[str, str]:
    forms = {form for pool in FORMS.values() for form in pool}
    held = sum(map(held_out_template, {*TEMPLATES, *forms}))
    mixture = Mixture()
    return {
        "templates": str(len(set(TEMPLATES))),
        "forms": str(len(forms)),
        "held_templates": str(held),
        "template_share": str(TEMPLATE_SHARE),
        "combination_share": str(COMBINATION_SHARE),
        "lists_share": f"{100 * (mixture.two_steps + mixture.three_steps):.0f} %",
        "three_share": f"{100 * mixture.three_steps:.0f} %",
        "none_share": f"{100 * mixture.nothing:.0f} %",
        "places": f"{len(ROOMS) + len(AREAS)} rooms and areas, {len(DOORS)} doors, {len(DEVICE_KEYS)} devices",
    }


def _results(run: Path, home: Path) -> dict[str, str]:
    model, tokenizer = load(home)
    found = frozenset(json.loads((run / "overlap.json").read_text(encoding="utf-8")))
    rows, said = [], []
    for name in TASKS:
        tasks = read(home / "tasks" / f"{name}.jsonl")
        right = exact(model, tokenizer, tasks)
        rows.append(Measured(name, by_kind(tasks, right)))
        said.append(
            _said(
                name, [good for t, good in zip(tasks, right, strict=True) if plain(t.prompt) not in found], len(tasks)
            )
        )
    prompt = "could you turn off all the lights but the hall, then set an alarm for half past six tomorrow"
    return {
        "results": "\n".join(row.line() for row in rows),
        "kinds": "\n".join(row.kinds() for row in rows),
        "overlap": "; ".join(said),
        "prompt": prompt,
        "output": compact(json.loads(write(model, tokenizer, prompt))),
    }


def _said(name: str, others: list[bool], total: int) -> str:
    """How many prompts the stream says word for word, and exact match on the others."""
    return f"{name} {total - len(others)} of {total} ({100 * sum(others) / len(others):.1f} on the others)"
