"""What transformers makes of a checkpoint: logits, greedy answers, the number of parameters. Torch is only here."""

from __future__ import annotations

import importlib.metadata
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from support.checkpoints import GREEDY_TOKENS
from support.references import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Forward = Callable[[Sequence[int]], NDArray[np.float32]]  # token ids -> logits [len, vocab]

torch.set_num_threads(1)  # the models are tiny: more threads only wait for each other
logging.set_verbosity_error()
logging.disable_progress_bar()


class DisagreementError(Exception):
    """The committed reference and a fresh one differ, or a checkpoint is not fit to make one from."""


def versions() -> dict[str, str]:
    """Return the versions that a reference depends on."""
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "numpy")}


def load(folder: Path) -> Forward:
    """Load a checkpoint in float32, attention eager; every warning and every key too many or too few is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
    problems = {kind: sorted(map(str, names)) for kind, names in loading.items() if names}
    if problems:
        raise DisagreementError(f"transformers reports {problems}")
    model.eval()

    def forward(tokens: Sequence[int]) -> NDArray[np.float32]:
        with torch.inference_mode():  # without a cache: slower, and the plainest oracle
            return np.asarray(model(torch.tensor([tokens]), use_cache=False).logits[0].numpy(), np.float32)

    return forward


def answer(
    forward: Forward, prompt: Sequence[int], *, stride: int, least_margin: float = 0.0, end: int | None = None
) -> Answer:
    """Return the logits at every `stride`-th position up to the prompt's last, and up to GREEDY_TOKENS that follow it.

    The answer ends with the token `end`. Raises DisagreementError for a top-1 lead below `least_margin`, in logits.
    """
    tokens = list(prompt)
    margins: list[float] = []
    while len(margins) < GREEDY_TOKENS and tokens[-1] != end:
        last = forward(tokens)[-1]
        second, best = np.argpartition(last, -2)[-2:]
        tokens.append(int(best))
        margins.append(float(last[best] - last[second]))
        if margins[-1] < least_margin:
            raise DisagreementError(f"top-1 margin {margins[-1]:.1e} is below {least_margin:.0e}: take another seed")
    positions = tuple(range((len(prompt) - 1) % stride, len(prompt), stride))
    logits = forward(prompt)[list(positions)]
    return Answer(tuple(prompt), positions, logits, tuple(tokens[len(prompt) :]), min(margins))


def chat_prompts(folder: Path, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text as the only message of a chat, in the checkpoint's own format."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chats = [[{"role": "user", "content": text}] for text in texts]
    rendered = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    return [list(map(int, tokenizer(text, add_special_tokens=False)["input_ids"])) for text in rendered]


def count_parameters(config: Mapping[str, Any]) -> int:
    """Return how many weights the model of a config.json has, a tied table counted once; nothing is allocated."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    return sum(weight.numel() for weight in model.parameters())
