"""Which calls read a prompt with signatures of fixed sizes, and how many tokens the caches have room for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A call costs as much as 6 tokens plus its own: measured on a 135M decoder, 4.2 ms for 1, 7.9 for 8, 22 for 32.
CALL_TOKENS = 6
# Tokens. A step of a 135M decoder takes 0.25 ms more for every 64 that its caches have room for, a growth 10 ms, two or
# three steps. Its copy grows with the caches: those of more than 512 tokens grow by an eighth. While a prompt is read
# every signature is resized at each growth, so they are fewer then; with steps of 512, 700 tokens of a small model take
# a third less time, and peaks with full caches are up to 14 MB higher.
CACHE_STEP, PROMPT_STEP = 64, 256


def prompt_calls(sizes: Sequence[int], tail: int, tokens: int, room: int) -> Iterator[tuple[int, int]]:
    """Yield the calls that read a prompt: how many tokens each has room for, and how many it reads.

    Only calls of 1 and of `tail` tokens give logits, so one of them reads the last token. The caches hold `room` more.
    """
    left = tokens
    while left:
        ending = left <= tail <= room or left == 1
        most = left if ending else left - 1
        size = best_size((tail,) if ending else sizes, most, room)
        yield size, min(size, most)
        left, room = left - min(size, most), room - min(size, most)


def best_size(sizes: Sequence[int], left: int, room: int) -> int:
    """Return how many tokens to read at once: the cheapest for each of the `left` that wait, within `room` tokens."""
    fitting = (1, *(size for size in sizes if size <= room))
    return min(fitting, key=lambda size: ((CALL_TOKENS + size) / min(size, left), size))


def cache_size(needed: int, now: int, context: int, *, end: int = 0, kept: bool = True) -> int:
    """Return how many tokens the caches must have room for: `now`, or enough for the `needed` ones of a call.

    `end` is how many there will be when a prompt is read, which an answer follows. They shrink only when tokens are
    forgotten (not `kept`), and then not by a little: prompts that are much alike find the room that they left.
    """
    prompt = min(end + CACHE_STEP // 2, _rounded(needed, PROMPT_STEP)) if end else 0
    fresh = min(context, _rounded(max(needed, prompt), CACHE_STEP))
    if not kept:
        return now if fresh <= now <= fresh + PROMPT_STEP // 2 else fresh
    if needed <= now:
        return now
    grown = 0 if end else min(context, _rounded(now + now // 8, CACHE_STEP))
    return max(fresh, grown)


def _rounded(tokens: int, step: int) -> int:
    return -(-tokens // step) * step
