"""A byte-level BPE tokenizer of any size, drawn at random: what most models have, with merges as long as theirs."""

from __future__ import annotations

import random
from typing import Any

LONGEST = 12  # characters of a token; English ones have six in the middle
SPECIAL = ("<unk>", "<s>", "</s>")


def byte_pairs(size: int) -> dict[str, Any]:
    """Return a valid `tokenizer.json` of `size` entries: special ones, all bytes, pairs; equal for equal sizes."""
    words, merges = _merged(size - len(SPECIAL))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bytewise = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": word, **flags} for index, word in enumerate(SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": bytewise,
        "post_processor": None,
        "decoder": bytewise,
        "model": {
            "type": "BPE",
            "vocab": {word: index for index, word in enumerate((*SPECIAL, *words))},
            "merges": merges,
        },
    }


def _merged(count: int) -> tuple[list[str], list[str]]:
    """Return `count` tokens and the merges that make all but the bytes."""
    words, merges = _byte_characters(), list[str]()
    known, draw = set(words), random.Random(count)
    while len(words) < count:
        left, right = draw.choice(words), draw.choice(words)
        if len(left) + len(right) <= LONGEST and left + right not in known:
            known.add(left + right)
            words.append(left + right)
            merges.append(f"{left} {right}")
    return words[:count], merges


def _byte_characters() -> list[str]:
    """Return the characters that stand for the 256 bytes (GPT-2's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [chr(256 + place) for place in range(256 - len(printable))]
    return [chr(code) for code in printable] + others
