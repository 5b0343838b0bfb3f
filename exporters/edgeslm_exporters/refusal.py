"""Why a board must not run a variant: forms whose kernels its processor or its newest runtime lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.recipe import TENSOR_CLASSES, Quantization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.matrices import AnyLayout
    from edgeslm_exporters.recipe import Recipe
    from edgeslm_exporters.target import Target


def refusals(recipe: Recipe, places: AnyLayout, target: Target) -> tuple[str, ...]:
    """Return every reason why `target` must not run `recipe` in this layout; none means it may.

    onnxruntime has one kernel for 8-bit MatMulNBits, and it needs the int8 dot product: without it every call widens
    the whole matrix to float, about a hundredfold slower (2048 x 2048 on x86: 9 to 14 ms instead of 0.08 ms). XNNPACK,
    which multiplies in TFLite, has kernels for every processor.
    """
    slow = _slow_forms(recipe, target) if places.format == "onnx" else ()
    return (*slow, *_missing_forms(places, target))


def _slow_forms(recipe: Recipe, target: Target) -> Iterator[str]:
    if target.int8_dot_product:
        return
    storages = {name: recipe.storage(name) for name in TENSOR_CLASSES}
    wide = [name for name, storage in storages.items() if isinstance(storage, Quantization) and storage.bits == 8]
    if wide:
        yield f"8-bit {', '.join(wide)}: {target.name} has no int8 dot product, so each call would widen them"


def _missing_forms(places: AnyLayout, target: Target) -> Iterator[str]:
    newest, needed = target.runtimes.get(places.format), places.runtime.min_version
    if newest is not None and _version(newest) < _version(needed):
        yield f"the graph needs {places.runtime.name} {needed}; {target.name} can install {newest} at most"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))
