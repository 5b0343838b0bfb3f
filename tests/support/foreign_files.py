"""A small Llama, and what litert-torch made of it (references/make_litert_torch.py)."""

from __future__ import annotations

import json
from pathlib import Path

from support.checkpoints import build_checkpoint
from support.hf_layout import write_json
from support.tiny import tiny_case

FOLDER = Path(__file__).resolve().parents[1] / "references" / "litert-torch"
CONTEXT = 160  # its one prefill signature reads 128 tokens
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] + ' ' }}"
    "{% if message['role'] == 'assistant' %}{{ '</s>' }}{% endif %}{% endfor %}"
)


def foreign_checkpoint(folder: Path) -> Path:
    """Write the checkpoint into `folder` and return it."""
    build_checkpoint(tiny_case(hidden_size=32, intermediate_size=48, vocab_size=96, tie_word_embeddings=True), folder)
    settings = folder / "tokenizer_config.json"
    tokens = {"bos_token": "<s>", "add_bos_token": True, "chat_template": TEMPLATE}
    write_json(settings, {**json.loads(settings.read_text(encoding="utf-8")), **tokens})
    write_json(folder / "generation_config.json", {"eos_token_id": 2})
    return folder
