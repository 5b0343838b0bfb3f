"""One row of the table of checkpoint cases, and what its rows are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMPT_TOKENS = 48
WINDOW = 16  # shorter than the prompt, so a windowed reference differs from a full one


@dataclass(frozen=True)
class Case:
    """One checkpoint: `config` is config.json as written, `dtype` one of F32, F16, BF16 as stored.

    `bare` leaves "transformer." out of the tensors' names, as the first checkpoints of GPT-2 and BLOOM do.
    """

    name: str
    config: dict[str, Any]
    dtype: str = "F32"
    shards: int = 1
    seed: int = 0
    bare: bool = False

    @property
    def family(self) -> str:
        """Its model_type."""
        return str(self.config["model_type"])

    def prompt(self) -> list[int]:
        """Return PROMPT_TOKENS token ids drawn from the case's seed, none of them special."""
        drawn = np.random.default_rng([self.seed, 1]).integers(3, self.config["vocab_size"], PROMPT_TOKENS)
        return [int(token) for token in drawn]


def dimensions(
    hidden: int, heads: str, intermediate: int, vocab: int, *, layers: int = 2, tied: bool
) -> dict[str, Any]:
    """Return the dimensions under the names most families use; `heads` is QUERY/KV, as in 4/2."""
    query, kv = (int(count) for count in heads.split("/"))
    return {
        "hidden_size": hidden,
        "num_attention_heads": query,
        "num_key_value_heads": kv,
        "intermediate_size": intermediate,
        "vocab_size": vocab,
        "num_hidden_layers": layers,
        "tie_word_embeddings": tied,
        "max_position_embeddings": 128,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def without(config: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Leave keys out: many published configs rely on the defaults of their model_type."""
    return {key: value for key, value in config.items() if key not in keys}


def rope(theta: float, **settings: object) -> dict[str, Any]:
    """Return the newer spelling of the rotary settings, under `rope_parameters`."""
    return {"rope_parameters": {"rope_type": "default", "rope_theta": theta, **settings}}
