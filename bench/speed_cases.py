"""What a published row says of the work that was timed: bytes, operations, threads, and what it shares with other rows.

Most rows name a model by its size and a format by its name. What they leave out is filled in by rules with a number
each, and how wrong those are is part of the scatter that predictions state. Only `weight_bytes`, file sizes and, on
NPUs, peak memory replace the rules; no measured speed of a row is ever used to predict another speed of it.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING

from edgeslm import catalog
from edgeslm.profiler.calibration import Case, Measurement
from edgeslm.profiler.speed import Constants, Work

if TYPE_CHECKING:
    from bench.published import Row
    from edgeslm.catalog import Profile

# Bits a weight, scales included, by what a format's name starts with (llama.cpp's tables; others: 16 or 32 bits a
# block).
BITS = {
    "f32": 32,
    "fp32": 32,
    "bf16": 16,
    "fp16": 16,
    "f16": 16,
    "w16": 16,
    "q8_0": 8.5,
    "int8": 8.2,
    "w8": 8.1,
    "q6_k": 6.56,
    "q5_k_m": 5.7,
    "q5_k": 5.5,
    "q5_0": 5.5,
    "q5_1": 6,
    "q4_k_m": 4.85,
    "q4_k": 4.6,
    "q4_1": 5,
    "q4_0": 4.5,
    "iq4_nl": 4.5,
    "iq4_xs": 4.25,
    "q4": 4.6,
    "mixed int4": 5,
    "int4": 4.6,
    "w4": 4.3,
    "4-bit": 4.5,
    "q3_k_l": 4.2,
    "q3_k_m": 3.9,
    "q3_k": 3.5,
    "iq3_m": 3.66,
    "iq3_xs": 3.3,
    "q2_k": 2.96,
    "2-bit": 2.2,
    "iq2_xxs": 2.1,
    "ollama": 4.85,
}
FORMAT = re.compile("|".join(sorted(map(re.escape, BITS), key=len, reverse=True)))
USUAL_BITS = 4.85  # of a format nobody knows: most files that people run are Q4_K_M
TABLE_BITS = 8.5  # few-bit files keep the embedding in about this many
PEAK_IS_READ = (0.8, 1.6)  # an NPU's peak memory is what a token reads, when it is this many times the nominal size
NO_LIMIT = 1e13  # bytes a second of one thread: accelerators are limited by their memory alone
DEFAULT_PROMPT, DEFAULT_ANSWER, CHUNK = 256, 128, 512  # tokens
# In-order or small cores beside big ones: a runtime that uses them too is slower (RK3588: 8 threads half as fast as 4).
SMALL = re.compile(r"cortex-a(53|55|510|520)|-e$|crestmont|-lp$")
ALIASES = {  # boards of published rows, and the profile of the same processor
    "tensor-g3": "android-pixel-8a",
    "sm8850": "android-flagship-sd8elite-gen5",
    "8gen3": "android-flagship-sd8gen3",
    "raspberry-pi-400": "raspberry-pi-4",
    "apple-m4-mac-mini": "apple-silicon-mac-mini",
}


def decode(row: Row) -> Measurement | None:
    """Return the row's decoding step, or None when it gives no speed or no size."""
    speed = row.number("decode_tok_s")
    sizes = _sizes(row)
    if speed is None or sizes is None:
        return None
    read, active, layers = sizes
    filled = (row.number("prompt_tokens") or DEFAULT_PROMPT) + (row.number("gen_tokens") or DEFAULT_ANSWER) / 2
    work = Work(read + _cache_bytes(active) * filled, active, layers, _threads(row))
    return Measurement(_case(row, work), 1 / speed, 1, _noise(row, speed))


def prefill(row: Row) -> Measurement | None:
    """Return the row's reading of its prompt, or None when it gives no speed or no size."""
    speed = row.number("prefill_tok_s")
    sizes = _sizes(row)
    if speed is None or sizes is None:
        return None
    read, active, layers = sizes
    tokens = row.number("prompt_tokens") or DEFAULT_PROMPT
    chunk = min(tokens, CHUNK)
    work = Work(read + _cache_bytes(active) * tokens / 2, active * chunk, layers, _threads(row), tokens / chunk)
    return Measurement(_case(row, work), tokens / speed, tokens, _noise(row, speed))


def _case(row: Row, work: Work) -> Case:
    device, version = row.group
    kind, board = _kind(row), _profile(device)
    theory = None if board is None else _theory(board)
    family = re.split(r"[-_ ]?\d+(?:\.\d+)?[bm]\b", row.text("model").lower())[0].strip(" -_")
    on_cpu = kind == "cpu"
    traits = {
        "all": "all",
        "kind": kind,
        "core": board.cores[0].type.split(" ")[0] if board and on_cpu else "",
        "soc": re.split(r" \(| / ", board.soc)[0] if board else "",
        "unknown": "" if theory else device,
        "board": device,
        "runtime": re.split(r"[\s/]+", version.lower())[0],
        "version": version,
        "format": _format(row),
        "model": re.sub(r"instruct|-it|[^a-z0-9.]", "", row.text("model").lower()),
        "family": family,
        "crowded": "crowded" if _asked_threads(row) > _big_cores(board) and on_cpu and board else "",
        "setup": "partly on the GPU" if _is_partial(row) else "",
    }
    typical = Constants((theory or 30e9) / 2, 3e9 if on_cpu else NO_LIMIT, 5e9 if on_cpu else 1e12, 1e-4)
    return Case(work, typical, traits)


def _sizes(row: Row) -> tuple[float, float, float] | None:
    """Return the bytes of weights a token reads, the weights it multiplies by, and the layers."""
    name = row.text("model").lower()
    said = re.search(r"(\d+(?:\.\d+)?)b\b", name)
    billions = row.number("params_b") or (float(said[1]) if said else None)
    if not billions:
        return None
    experts = re.search(r"[-( ]a(\d+(?:\.\d+)?)([bm])\b", name)  # as in 30B-A3B: those that one token uses
    active = billions if experts is None else float(experts[1]) * (1 if experts[2] == "b" else 1e-3)
    bits = BITS.get(_format(row).removesuffix(" grouped"), USUAL_BITS)
    table = min(0.55, 0.2 / math.sqrt(billions))  # the embedding's share of the weights: 28 % at 0.5 B, 13 % at 3 B
    nominal = billions * 1e9 / 8 * (bits if bits >= 8 else bits + (TABLE_BITS - bits) * table)
    full = _known_bytes(row) or nominal
    peak = (row.number("peak_mem_mb") or 0) * 1e6 or (row.number("peak_mem_mib") or 0) * 2**20
    if _kind(row) == "npu" and PEAK_IS_READ[0] < peak / full < PEAK_IS_READ[1]:
        full = peak
    layers = 22 * max(active, 0.05) ** 0.25  # 16 to 18 at 0.3 B, 28 at 3 B, 36 at 8 B
    return full * min(1, active / billions), active * 1e9, layers


def _known_bytes(row: Row) -> float | None:
    units = {"weight_bytes": 1, "file_gb": 1e9, "file_mb": 1e6, "file_mib": 2**20}
    known = [value * unit for key, unit in units.items() if (value := row.number(key)) is not None]
    return known[0] if known else None


def _format(row: Row) -> str:
    """Return what the format's name starts with, ` grouped` when it has more scales than one a row."""
    quant = row.text("quant").lower()
    if not quant or quant.startswith(("as named", "ollama", "not stated")):
        quant = f"{row.text('model').lower()} {quant}"
    found = FORMAT.search(re.sub(r"\S+ (dynamic )?act(ivation)?s?\b", "", quant))
    grouped = " grouped" if re.search(r"g128|g256", quant) else ""
    return (found[0] if found else "unknown") + grouped


def _cache_bytes(active: float) -> float:
    """Return the bytes of KV cache a token takes: about 20 kB at 1 B parameters, growing with width and depth."""
    return 2e4 * math.sqrt(active / 1e9)


def _kind(row: Row) -> str:
    backend = row.text("backend").lower() or "cpu"
    return "npu" if "npu" in backend else "cpu" if backend == "cpu" else "gpu"


def _is_partial(row: Row) -> bool:
    layers = row.values.get("gpu_layers")
    return isinstance(layers, int) and layers < 27  # jetson-nano's tables: all of both models' layers are 23 and 27


def _asked_threads(row: Row) -> float:
    found = re.search(r"\d+", str(row.values.get("threads", "")))
    return max(float(found[0]), 1) if found else 0


def _threads(row: Row) -> float:
    if _kind(row) != "cpu":
        return 1
    cores = _big_cores(_profile(row.group[0]))
    return min(_asked_threads(row) or cores, cores)


def _big_cores(board: Profile | None) -> int:
    if board is None:
        return 4
    big = sum(cores.count for cores in board.cores if not SMALL.search(cores.type.split(" ")[0]))
    return big or sum(cores.count for cores in board.cores)


@cache
def _profile(device: str) -> Profile | None:
    """Return the profile of the board a row names, by the longest name or alias found in its own."""
    names = {name: name for name in catalog.devices()} | ALIASES
    names |= {other.split(" ")[0]: name for name in catalog.devices() for other in catalog.device(name).also}
    found = [key for key in names if key in device.lower()]
    return catalog.device(names[max(found, key=lambda key: (len(key), key))]) if found else None


def _theory(board: Profile) -> float | None:
    fact = board.memory.theoretical_gb_s
    return fact.value * 1e9 if fact is not None and isinstance(fact.value, int | float) else None


def _noise(row: Row, speed: float) -> float:
    """Return how far the figure itself may be off: half a unit for whole numbers, a twentieth for estimates."""
    rounding = 0.29 / speed if "rounded" in row.tags else 0.0
    return math.hypot(rounding, 0.05 if "approx" in row.tags else 0.0)
