"""How fast does a TFLite bundle answer, and in how much memory, beside LiteRT-LM, llama.cpp and our own ONNX?

The same random weights for all (SmolLM2-135M's shape), two threads, every measurement in a fresh process. Speeds: a
context of 1024, LiteRT-LM with litert-torch's export in the same recipe; each side reads a prompt of 128 tokens once
before it counts, then 128 tokens, 64 steps, and 512 tokens. A prefill lasts until the first token is chosen, on both
sides; LiteRT-LM's speeds are those that it measures itself.

Signatures: resident memory after a prompt of 200 tokens, with the file's `decode` alone and with two of its prefill
signatures beside it. Tokens held: one step behind 100 tokens, in bundles for a context of 256 and of 2048.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.environments import peer_python
from bench.harness import ROUNDS, Target, alternate, ask, medians, publish
from bench.models import KEPT, edgeslm_bundle, gguf_file, litertlm_file
from bench.sides.gauge import CONTEXT, DECODE_TOKENS, THREADS
from bench.sides.held_side import HELD_TOKENS
from edgeslm_agent.engine.runtime.tflite_file import BUFFERS, open_tflite
from edgeslm_exporters.tflite.writer import PAGE

if TYPE_CHECKING:
    from bench.harness import Figures

    Commands = dict[str, list[str | Path]]

WARM_UP = "128"
INT4, INT8, ONNX = "edgeslm TFLite int4", "edgeslm TFLite int8", "edgeslm ONNX int4"
LITERT, LLAMA = "LiteRT-LM int4", "llama.cpp Q8_0"
ONE, THREE = "one signature", "three signatures"
KEPT_SIGNATURES = {ONE: ("decode",), THREE: ("prefill_32", "prefill_128", "decode")}
SHORT, LONG = f"{HELD_TOKENS} held of 256", f"{HELD_TOKENS} held of 2048"


def main() -> None:
    """Measure every side `--rounds` times and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    commands = {**_speeds(), **_signatures(), **_held()}
    idle = machine.idle_share()
    samples = alternate(list(commands), lambda side: ask(commands[side]), rounds)
    settings = {
        "threads": THREADS,
        "context": CONTEXT,
        "decode_tokens": DECODE_TOKENS,
        "held_tokens": HELD_TOKENS,
        "rounds": rounds,
        "idle_before": idle,
    }
    publish("tflite", samples, _targets(medians(samples)), _versions(), settings)


def _speeds() -> Commands:
    ours: list[str | Path] = [sys.executable, "-m", "bench.sides.edgeslm_side"]
    litert: list[str | Path] = [peer_python("litert-lm"), "-m", "bench.sides.litert_lm_side"]
    llama: list[str | Path] = [peer_python("llama-cpp"), "-m", "bench.sides.llama_cpp_side"]
    return {
        INT4: [*ours, edgeslm_bundle("wi4b32-afp32", form="tflite"), WARM_UP],
        INT8: [*ours, edgeslm_bundle("wi8-afp32", form="tflite"), WARM_UP],
        ONNX: [*ours, edgeslm_bundle("wi4b32-afp32"), WARM_UP],
        LITERT: [*litert, litertlm_file("dynamic_wi4b32_afp32"), WARM_UP],
        LLAMA: [*llama, gguf_file("q8_0"), WARM_UP],
    }


def _signatures() -> Commands:
    bundle = edgeslm_bundle("wi4b32-afp32", 256, "tflite")
    measured: list[str | Path] = [sys.executable, "-m", "bench.sides.signatures_side", bundle]
    return {side: [*measured, _with_signatures(bundle, names)] for side, names in KEPT_SIGNATURES.items()}


def _held() -> Commands:
    step: list[str | Path] = [sys.executable, "-m", "bench.sides.held_side"]
    contexts = {SHORT: 256, LONG: 2048}
    return {side: [*step, edgeslm_bundle("wi4b32-afp32", context, "tflite")] for side, context in contexts.items()}


def _with_signatures(bundle: Path, names: tuple[str, ...]) -> Path:
    """Return a copy of a bundle's file that has only these signatures, as the official library writes them."""
    from ai_edge_litert import schema_py_generated as schema

    graph = bundle / "artifacts" / "model.tflite"
    data = graph.read_bytes()
    start = min(place for buffer in open_tflite(graph).model.tables(BUFFERS) if (place := buffer.scalar(1, "Q")))
    model = schema.ModelT.InitFromPackedBuf(data[:start], 0)
    model.signatureDefs = [kept for kept in model.signatureDefs if kept.signatureKey.decode() in names]
    model.subgraphs = [model.subgraphs[kept.subgraphIndex] for kept in model.signatureDefs]
    for index, kept in enumerate(model.signatureDefs):
        kept.subgraphIndex = index
    begin = -(-len(_packed(model)) // PAGE) * PAGE
    for buffer in model.buffers:
        buffer.offset += begin - start if buffer.offset else 0
    path = KEPT / f"signatures-{len(names)}.tflite"
    path.write_bytes(_packed(model).ljust(begin, b"\0") + data[start:])
    return path


def _packed(model: Any) -> bytes:  # noqa: ANN401 - generated code without types
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _targets(middle: dict[str, Figures]) -> list[Target]:
    def ratio(name: str, figure: str, ours: str, theirs: str, bound: float, *, at_least: bool) -> Target:
        return Target(name, middle[ours][figure] / middle[theirs][figure], bound, at_least=at_least, unit="x")

    return [
        ratio("int4: decode / LiteRT-LM", "decode_tps", INT4, LITERT, 1.1, at_least=True),
        ratio("int4: prefill 128 / LiteRT-LM", "prefill_128_tps", INT4, LITERT, 1.3, at_least=True),
        ratio("int4: prefill 512 / LiteRT-LM", "prefill_512_tps", INT4, LITERT, 1.3, at_least=True),
        ratio("int4: peak RSS / LiteRT-LM", "peak_rss_mb", INT4, LITERT, 0.7, at_least=False),
        ratio("int4: peak RSS with the 512 / LiteRT-LM", "peak_rss_512_mb", INT4, LITERT, 0.7, at_least=False),
        ratio("int8: prefill 128 / llama.cpp Q8_0", "prefill_128_tps", INT8, LLAMA, 1.5, at_least=True),
        ratio("int8: prefill 128 / our ONNX int4", "prefill_128_tps", INT8, ONNX, 1.5, at_least=True),
        ratio("resident memory: three signatures / one", "rss_mb", THREE, ONE, 1.3, at_least=False),
        ratio("a step with 100 tokens held: context 2048 / 256", "step_ms", LONG, SHORT, 1.2, at_least=False),
    ]


def _versions() -> dict[str, dict[str, str]]:
    return {
        "edgeslm": machine.versions_in(Path(sys.executable), "edgeslm", "ai-edge-litert", "onnxruntime", "numpy"),
        "LiteRT-LM": machine.versions_in(peer_python("litert-lm"), "litert-lm-api"),
        "litert-torch": machine.versions_in(peer_python("litert-torch"), "litert-torch"),
        "llama.cpp": machine.versions_in(peer_python("llama-cpp"), "llama-cpp-python"),
    }


if __name__ == "__main__":
    main()
