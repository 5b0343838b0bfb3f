"""The files of a checkpoint by name, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edgeslm_exporters.weight_files import read_headers

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_exporters.weight_files import TensorHeader


class Folder(Protocol):
    """A folder of this machine, or a repository of the hub."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    def path(self, file: str) -> Path | None:
        """Return where a file is on this machine (fetched if need be), or None when there is none."""

    def headers(self, file: str) -> dict[str, TensorHeader] | None:
        """Return the tensors of a safetensors file without reading them, or None when there is no such file."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    folder: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.folder)

    def path(self, file: str) -> Path | None:
        """Return the path of a file, or None."""
        path = self.folder / file
        return path if path.is_file() else None

    def headers(self, file: str) -> dict[str, TensorHeader] | None:
        """Return the tensors of a safetensors file, or None."""
        path = self.path(file)
        return None if path is None else read_headers(path)
