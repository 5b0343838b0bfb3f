"""The honest split: a hash decides what is never trained on, so that nobody picks."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TEMPLATE_SHARE = 10
COMBINATION_SHARE = 20

Value = str | int | float
Step = dict[str, Value]


def held_out_template(text: str) -> bool:
    """Whether a template belongs to the tenth that is never trained on."""
    return _bucket("template:" + text, TEMPLATE_SHARE) == 0


@lru_cache(maxsize=1 << 18)
def held_out_json(text: str) -> bool:
    """Whether an action, as compact JSON, belongs to the twentieth of combinations never trained on."""
    return text.count('":') >= 3 and _bucket("combination:" + text, COMBINATION_SHARE) == 0


def held_out_combination(step: Step) -> bool:
    """Whether a step with three keys or more is a combination never trained on."""
    return held_out_json(compact(step))


def compact(value: Step | list[Step]) -> str:
    """The JSON the model is to write: no spaces, characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def seen_only(templates: Iterable[str]) -> tuple[str, ...]:
    """The templates that may be trained on."""
    return tuple(t for t in templates if not held_out_template(t))


def _bucket(text: str, buckets: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") % buckets
