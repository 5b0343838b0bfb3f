"""Refuses what onnxruntime would load without a word and then run slowly, or what an engine cannot drive.

Every rule has a number behind it: 8-bit MatMulNBits without accuracy level 4 is about 100 times slower, float zero
points 90 times, an unshared cache is copied whole at every token, a head without Gather multiplies the vocabulary for
every position of the prompt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.builder import IR_VERSION, MICROSOFT, OPSET
from edgeslm_exporters.onnx.layout import ALIGNMENT
from edgeslm_exporters.onnx.schema import Kind, decode
from edgeslm_exporters.recipe import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.onnx.schema import Model, Node, Tensor
    from edgeslm_exporters.target import Target

INLINE_LIMIT = 1024  # bytes an initialiser may take inside the graph: shapes and bounds, which shape inference reads


@dataclass(frozen=True)
class _Place:
    """Where an initialiser's bytes lie in the data file."""

    name: str
    location: str
    offset: int
    length: int


def lint(model_path: Path, target: Target | None) -> tuple[str, ...]:
    """Return every slow or unsafe form of a model for `target` (None: any board); none means it may ship."""
    model = decode(model_path.read_bytes())
    places = [_place(tensor) for tensor in model.graph.initializers if tensor.external]
    return (
        *_versions(model),
        *_inline(model),
        *_files(places, model_path.parent),
        *(problem for node in model.graph.nodes for problem in _product(model, node, target)),
        *_cache(model),
        *_head(model),
        *_copies(places, model_path.parent),
    )


def _versions(model: Model) -> Iterator[str]:
    allowed = {"": OPSET, MICROSOFT: 1}
    for domain, version in model.opsets.items():
        if version > allowed.get(domain, 0):
            yield f"opset {domain or 'ai.onnx'} {version} is newer than the oldest runtime we support knows"
    if model.ir_version > IR_VERSION:
        yield f"IR version {model.ir_version} is newer than {IR_VERSION}"


def _inline(model: Model) -> Iterator[str]:
    for tensor in model.graph.initializers:
        if len(tensor.data) > INLINE_LIMIT:
            yield f"{tensor.name}: {len(tensor.data)} bytes lie in the graph; they cannot be mapped from the data file"


def _place(tensor: Tensor) -> _Place:
    place = tensor.external
    return _Place(tensor.name, place["location"], int(place.get("offset", 0)), int(place.get("length", 0)))


def _files(places: list[_Place], folder: Path) -> Iterator[str]:
    sizes = {}
    for name in sorted({place.location for place in places}):
        if Path(name).name != name:
            yield f"the data file {name} lies outside the artefact's folder"
        elif not (folder / name).is_file():
            yield f"the data file {name} is missing"
        else:
            sizes[name] = (folder / name).stat().st_size
    for place in places:
        if place.offset % ALIGNMENT:
            yield f"{place.name}: offset {place.offset} is not on a page, so it is copied instead of mapped"
        if place.location in sizes and place.offset + place.length > sizes[place.location]:
            yield f"{place.name}: ends behind the data file"


def _product(model: Model, node: Node, target: Target | None) -> Iterator[str]:
    """Check one MatMulNBits."""
    if node.op_type != "MatMulNBits":
        return
    attributes = node.attributes
    bits, block = attributes.get("bits", 4), attributes.get("block_size", 32)
    if attributes.get("accuracy_level", 0) != 4:
        yield f"{node.name}: accuracy level is not 4, which costs {bits}-bit weights a factor of 3 to 130"
    if bits not in (4, 8):
        yield f"{node.name}: {bits}-bit weights have no tested kernel"
    if block not in BLOCKS:
        yield f"{node.name}: block {block} is not one of {', '.join(map(str, BLOCKS))}"
    inputs = dict(enumerate(node.inputs))
    if inputs.get(3) and _types(model).get(inputs[3]) != Kind.UINT8:
        yield f"{node.name}: zero points are not uint8, so every call widens the whole matrix"
    if inputs.get(4):
        yield f"{node.name}: g_idx switches prepacking off, so every call widens the whole matrix"
    if bits == 8 and target is not None and not target.int8_dot_product:
        yield f"{node.name}: 8-bit weights on {target.name}, whose processor has no int8 dot product"


def _types(model: Model) -> dict[str, int]:
    return {tensor.name: tensor.kind for tensor in model.graph.initializers}


def _cache(model: Model) -> Iterator[str]:
    """Past and present must have the same shape, or they cannot be one buffer."""
    outputs = {value.name: value for value in model.graph.outputs}
    for value in model.graph.inputs:
        if not value.name.startswith("past_key_values."):
            continue
        present = value.name.replace("past_key_values", "present")
        if present not in outputs:
            yield f"{value.name} has no {present}"
        elif outputs[present].shape != value.shape:
            yield f"{value.name} and {present} differ in shape, so the cache is copied at every token"


def _head(model: Model) -> Iterator[str]:
    """Between attention and logits the asked positions must have been gathered, on every way."""
    makers = {output: node for node in model.graph.nodes for output in node.outputs if output}
    if "logits" not in makers:
        yield "the graph has no output 'logits'"
        return
    waiting, seen = ["logits"], set()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in seen or (node.op_type == "Gather" and "logits_positions" in node.inputs):
            continue
        seen.add(node.name)
        if node.op_type == "GroupQueryAttention":
            yield f"{node.name} reaches the head without a Gather of logits_positions: every position gets logits"
            return
        waiting.extend(node.inputs)


def _copies(places: list[_Place], folder: Path) -> Iterator[str]:
    """Equal bytes in two places: a table shared by embedding and head that was written twice."""
    by_length: dict[int, dict[tuple[str, int], str]] = {}
    for place in places:
        if place.length > ALIGNMENT:
            by_length.setdefault(place.length, {}).setdefault((place.location, place.offset), place.name)
    for length, found in by_length.items():
        tables = {where: name for where, name in found.items() if name.startswith(("embed_tokens.", "lm_head."))}
        digests: dict[bytes, str] = {}
        for (location, offset), name in tables.items():
            file = folder / Path(location).name
            if len(tables) < 2 or not file.is_file():
                continue
            first = digests.setdefault(_digest(file, offset, length), name)
            if first != name:
                yield f"{name} holds the same {length} bytes as {first}; point both at one place"


def _digest(file: Path, offset: int, length: int) -> bytes:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(offset)
        while length > 0 and (data := stream.read(min(length, 2**20))):
            digest.update(data)
            length -= len(data)
    return digest.digest()
