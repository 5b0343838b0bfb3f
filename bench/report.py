"""Writes the tables of README.md and bench/README.md from bench/results.

A table stands between `<!-- bench:NAME -->` and `<!-- /bench -->`; what is written between them by hand is lost.
`--check` writes nothing and exits 1 when a table is not what the results say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from bench.environments import ROOT
from bench.harness import RESULTS

DOCUMENTS = ("README.md", "bench/README.md")
MARKED = re.compile(r"(<!-- bench:(?P<name>[a-z-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
QUIET = 0.9  # a machine with less idle time before a run was doing something else
COLUMNS = {
    "wall_s": ("wall time, s", "{:.2f}"),
    "wall_ms": ("wall time, ms", "{:.0f}"),
    "peak_anonymous_mb": ("peak anonymous memory, MB", "{:.0f}"),
    "pss_mb": ("PSS, MB", "{:.1f}"),
    "rss_mb": ("RSS, MB", "{:.1f}"),
    "cpu_percent": ("processor, % of a core", "{:.2f}"),
    "model_mb": ("weights, MB", "{:.0f}"),
    "load_s": ("load, s", "{:.2f}"),
    "prefill_128_tps": ("prefill 128, tok/s", "{:.0f}"),
    "decode_tps": ("decode, tok/s", "{:.0f}"),
    "prefill_1900_tps": ("prefill 1,900, tok/s", "{:.0f}"),
    "cache_mb": ("KV cache, MB", "{:.1f}"),
    "prefill_512_tps": ("prefill 512, tok/s", "{:.0f}"),
    "peak_rss_mb": ("peak RSS, MB", "{:.0f}"),
    "step_ms": ("a step, ms", "{:.2f}"),
    "sentences_s": ("sentences/s", "{:.0f}"),
    "cosine_mean": ("mean cosine", "{:.4f}"),
    "cosine_min": ("least cosine", "{:.4f}"),
    "weights_kb": ("weights, KB", "{:.0f}"),
    "bits_a_weight": ("bits a weight", "{:.2f}"),
    "kld_mean": ("mean KL, nats", "{:.5f}"),
    "expected_kld": ("expected KL, nats", "{:.5f}"),
    "beats_uniform_to_kb": ("no uniform one is better up to, kB", "{:.0f}"),
    "kld_p99": ("99 %, nats", "{:.4f}"),
    "top1_percent": ("same top token, %", "{:.2f}"),
    "groups": ("groups", "{:.0f}"),
    "median_error": ("median error, %", "{:.1f}"),
    "worst_quarter": ("a quarter of groups above, %", "{:.0f}"),
    "in_range": ("in the 90 % range, %", "{:.0f}"),
    "same_percent": ("ONNX and TFLite agree, %", "{:.2f}"),
    "onnx_exact_percent": ("ONNX and exact, %", "{:.2f}"),
    "tflite_exact_percent": ("TFLite and exact, %", "{:.2f}"),
    "tie_percent": ("ties, %", "{:.2f}"),
    "onnx_kld": ("KL of ONNX, nats", "{:.5f}"),
    "tflite_kld": ("KL of TFLite, nats", "{:.5f}"),
    "passing": ("pass the gate, of 2", "{:.0f}"),
    "samples_s": ("samples/s", "{:.0f}"),
    "collector_us": ("collector's CPU, µs a sample", "{:.0f}"),
    "ack_p50_ms": ("until the ack, ms", "{:.0f}"),
    "ack_p99_ms": ("99 %, ms", "{:.0f}"),
    "peak_rss_512_mb": ("with the 512, MB", "{:.0f}"),
    "peak_rss_mib": ("peak RSS, MiB", "{:.1f}"),
    "predicted_mib": ("predicted, MiB", "{:.1f}"),
    "bound_mib": ("upper bound, MiB", "{:.1f}"),
    "off_percent": ("off, %", "{:+.1f}"),
    "times": ("times", "{:.0f}"),
    "worst_tenth": ("a tenth above, %", "{:.0f}"),
    "runs": ("runs", "{:.0f}"),
    "killed": ("killed", "{:.0f}"),
    "at_the_bound": ("reclaimed at the bound", "{:.0f}"),
    "anonymous_percent": ("anonymous, % of the bound", "{:.0f}"),
    "needed_percent": ("with what stays mapped, %", "{:.0f}"),
    "answers_percent": ("same token in the answers, %", "{:.2f}"),
    "answers_positions": ("of positions", "{:.0f}"),
    "everywhere_percent": ("in words of the user too, %", "{:.2f}"),
    "everywhere_positions": ("of positions", "{:.0f}"),
    "greedy_percent": ("greedy answers equal, %", "{:.0f}"),
    "cases": ("cases", "{:.0f}"),
    "within_5_percent": ("regret of at most 5 %, % of cases", "{:.1f}"),
    "mean_regret": ("mean regret, %", "{:.2f}"),
    "worst_regret": ("worst, %", "{:.1f}"),
    "broken": ("budgets broken", "{:.0f}"),
    "refused": ("refused", "{:.0f}"),
}


def main() -> int:
    """Rewrite, or check, the tables of every document."""
    parser = argparse.ArgumentParser(description="Write the tables of the benches.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a table is stale")
    check = parser.parse_args().check
    stale = [name for name in DOCUMENTS if not _is_current(name, check=check)]
    for name in stale if check else ():
        print(f"{name} is not what bench/results says; run `python -m bench.report`")
    return 1 if check and stale else 0


def _is_current(name: str, *, check: bool) -> bool:
    path = ROOT / name
    before = path.read_text(encoding="utf-8")
    after = filled(before)
    if after != before and not check:
        path.write_text(after, encoding="utf-8")
    return after == before


def filled(text: str) -> str:
    """Return a document with every marked table written anew."""
    return MARKED.sub(lambda found: found[1] + tables(found["name"]) + found[3], text)


def tables(name: str) -> str:
    """Return the tables of one bench, one a machine."""
    paths = sorted(RESULTS.glob(f"*/{name}.json"))
    if not paths:
        return "(no results yet)\n"
    return "\n".join(_table(json.loads(path.read_text(encoding="utf-8"))) for path in paths)


def _table(result: dict[str, Any]) -> str:
    sides = {side: measured["median"] for side, measured in result["sides"].items()}
    columns = list(dict.fromkeys(column for figures in sides.values() for column in figures))
    lines = [
        _row(["", *(COLUMNS[column][0] for column in columns)]),
        _row(["---", *("---:" for _ in columns)]),
        *(_row([side, *(_cell(column, figures) for column in columns)]) for side, figures in sides.items()),
        "",
        _row(["target", "bound", "measured", ""]),
        _row(["---", "---:", "---:", "---"]),
        *(_row(_target_cells(target)) for target in result["targets"]),
        "",
        _caption(result),
    ]
    return "\n".join(lines) + "\n"


def _cell(column: str, figures: dict[str, float]) -> str:
    return COLUMNS[column][1].format(figures[column]) if column in figures else ""


def _target_cells(target: dict[str, Any]) -> list[str]:
    sign = "≥" if target["at_least"] else "≤"
    bound, value = (_number(target[key]) + target["unit"] for key in ("bound", "value"))
    return [target["name"], f"{sign} {bound}", value, "met" if target["met"] else "**missed**"]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def _caption(result: dict[str, Any]) -> str:
    about, rounds = result["machine"], result["settings"].get("rounds")
    taken = "Taken once, for no figure depends on a clock," if rounds is None else f"Medians of {rounds} rounds"
    machine = f"{about['cpu']}, {about['cores']} cores, {about['memory_gib']:.0f} GiB, {about['kernel']}"
    versions = {f"{package} {version}" for side in result["versions"].values() for package, version in side.items()}
    idle = result["settings"].get("idle_before", 1.0)
    busy = (
        "" if idle >= QUIET else f" **The machine was busy ({idle:.0%} idle before the run): do not trust the times.**"
    )
    return f"{taken} on {machine}; {', '.join(sorted(versions))}.{busy}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
