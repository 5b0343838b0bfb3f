"""Reads `quantization_config` of config.json, and the shapes it implies; every refusal names the method and the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgeslm_exporters.weight_files import WeightFiles

SCALES = ("F16", "BF16", "F32")
WORDS = ("I32",)
_ROUTE = "take the unquantised checkpoint: edgeslm quantises it itself"


class Settings:
    """The keys of one method's settings; a value nobody wrote a decoder for is UnsupportedOperator."""

    def __init__(self, method: str, values: Mapping[str, Any]) -> None:
        self._method = method
        self._values = values

    def bits(self, known: Sequence[int], key: str = "bits") -> int:
        """Return the bits of a code."""
        value = self._values.get(key)
        if not isinstance(value, int) or value not in known:
            self.refuse(f"{key} = {value!r}, not one of {', '.join(map(str, known))}")
        return value

    def group(self, key: str) -> int | None:
        """Return the columns of a group; -1, null or a missing key mean a whole row: None."""
        value = self._values.get(key)
        if value in (None, -1):
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(f"{key} = {value!r}, not a positive number")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._values.get(key)
        return default if value is None else bool(value)

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """Return one of the known words."""
        value = self._values.get(key, default)
        value = default if value is None else value
        if not isinstance(value, str) or value.lower() not in known:
            self.refuse(f"{key} = {value!r}, not {' or '.join(known)}")
        return value.lower()

    def refuse(self, what: str) -> NoReturn:
        """Raise UnsupportedOperator for a form without decoder."""
        raise UnsupportedOperator(f"this {self._method} checkpoint has {what}", _ROUTE)


def expect_shape(files: WeightFiles, name: str, dtypes: Sequence[str], shape: tuple[int, ...]) -> None:
    """Raise BadCheckpoint unless the tensor is there with one of these types and this shape."""
    found = files.headers.get(name)
    if found is None or found.dtype not in dtypes or found.shape != shape:
        what = "missing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise BadCheckpoint(
            f"{name} is {what}, the codes beside it imply {' or '.join(dtypes)} {list(shape)}",
            "download the checkpoint again; quantization_config must be that of these weights",
        )


def matrix_shape(files: WeightFiles, name: str, dtypes: Sequence[str]) -> tuple[int, int]:
    """Return the shape of a tensor of codes.

    Raises BadCheckpoint when it is no matrix of one of these types.
    """
    header = files.headers[name]
    if len(header.shape) != 2 or header.dtype not in dtypes or 0 in header.shape:
        raise BadCheckpoint(
            f"{name} is {header.dtype} {list(header.shape)}, not a matrix of {' or '.join(dtypes)}",
            "download the checkpoint again",
        )
    return header.shape[0], header.shape[1]
