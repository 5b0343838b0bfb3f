"""What a .tflite decoder of another tool is, read from the file: its sizes, and why our runtime would not drive it.

The signatures are those that litert-torch writes and LiteRT-LM runs (see graph.py); keys [1, heads, context, size],
values so or with their last two dimensions turned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.contract.manifest import DecoderShape
from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import Incompatible
from edgeslm_exporters.tflite.schema import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edgeslm_agent.engine.runtime.tflite_file import TfliteFile, View

_WANTED = "export it with one cache length, and with embeddings and rotation inside"


def foreign_shape(graph: Path, path: str) -> DecoderShape:
    """Return what an engine must know to drive the file, which will lie at `path` in a bundle.

    Raises Corrupt for what is no sound .tflite file, Incompatible for signatures that are not a whole decoder's.
    """
    file = open_tflite(graph)
    signatures = {signature.text(2): _tensors(file, signature) for signature in file.model.tables(7)}
    if "decode" not in signatures:
        names = ", ".join(sorted(signatures)) or "none"
        raise Incompatible(f"{graph.name} has no signature 'decode'; it has {names}", _WANTED)
    inputs, outputs = signatures["decode"]
    layers = len([name for name in inputs if name.startswith("kv_cache_k_")])
    if problems := tuple(_problems(inputs, outputs, layers)):
        raise Incompatible(f"{graph.name} is not a decoder that can be run: {'; '.join(problems)}", _WANTED)
    _, heads, context, size = _shape(inputs["kv_cache_k_0"])
    return DecoderShape(
        graph=path,
        layers=layers,
        kv_heads=heads,
        head_size=size,
        vocab_size=_shape(outputs["logits"])[-1],
        context=context,
        position_ids=True,
        kv_bits=32,
    )


def weight_count(graph: Path) -> int:
    """Return how many weights the matrices of a file have, each counted once however many signatures read it."""
    file = open_tflite(graph)
    tensors = [tensor for subgraph in file.model.tables(2) for tensor in subgraph.tables(0)]
    shapes = {tensor.scalar(2, "I"): _shape(tensor) for tensor in tensors}
    return sum(shape[0] * shape[1] for buffer, shape in shapes.items() if len(shape) == 2 and len(file.buffer(buffer)))


def _tensors(file: TfliteFile, signature: View) -> tuple[dict[str, View], dict[str, View]]:
    """Return a signature's inputs and outputs by name."""
    tensors = file.model.tables(2)[signature.scalar(4, "I")].tables(0)
    ins, outs = ({item.text(0): tensors[item.scalar(1, "I")] for item in signature.tables(side)} for side in (0, 1))
    return ins, outs


def _problems(inputs: Mapping[str, View], outputs: Mapping[str, View], layers: int) -> Iterator[str]:
    """Yield why `decode` is not that of a whole decoder with a cache of floats."""
    caches = {f"kv_cache_{which}_{layer}" for layer in range(layers) for which in "kv"}
    needed = {"tokens", "input_pos", *caches}
    if not layers or needed - inputs.keys():
        yield f"it does not take {', '.join(sorted(needed - inputs.keys())) or 'caches'}"
        return
    if other := sorted(inputs.keys() - needed - {"mask"}):
        yield f"it also takes {', '.join(other)}"
    if missing := sorted({"logits", *caches} - outputs.keys()):
        yield f"it does not give {', '.join(missing)}"
        return
    key, value = _shape(inputs["kv_cache_k_0"]), _shape(inputs["kv_cache_v_0"])
    if len(key) != 4 or key[0] != 1 or value not in (key, [*key[:2], *key[:1:-1]]):
        yield f"its caches are {key} and {value}, not [1, heads, context, size]"
    if odd := sorted(name for name in caches if inputs[name].scalar(1, "b") != TYPES["float32"]):
        yield f"{odd[0]} is not float32"


def _shape(tensor: View) -> list[int]:
    found: list[int] = tensor.vector(0, "<i4").tolist()
    return found
