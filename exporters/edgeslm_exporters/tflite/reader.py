"""Opens a .tflite file to look at it: mapped, never loaded, every offset checked."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.tflite.flatbuffer import View, root_of
from edgeslm_exporters.tflite.schema import IDENTIFIER

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TfliteFile:
    """A mapped file: its Model table, and the bytes of its buffers."""

    name: str
    data: memoryview
    model: View

    def buffer(self, index: int) -> memoryview:
        """Return the bytes of a buffer, wherever they lie.

        Raises Corrupt when they would end behind the file.
        """
        buffers = self.model.tables(4)
        if index >= len(buffers):
            raise Corrupt(f"{self.name} has no buffer {index}", "export the bundle again")
        offset, size = buffers[index].scalar(1, "Q"), buffers[index].scalar(2, "Q")
        if not offset:
            return buffers[index].vector(0, "u1").data
        if offset + size > len(self.data):
            raise Corrupt(f"{self.name} is cut off: buffer {index} ends behind it", "copy or export the bundle again")
        return self.data[offset : offset + size]

    def metadata(self, name: str) -> bytes | None:
        """Return the content of a metadata entry, or None."""
        for entry in self.model.tables(6):
            if entry.text(0) == name:
                return bytes(self.buffer(entry.scalar(1, "I")))
        return None


def open_tflite(path: Path) -> TfliteFile:
    """Map a file.

    Raises Corrupt for a file that is empty, cut off or of another kind.
    """
    with path.open("rb") as stream:
        size = path.stat().st_size
        data = memoryview(mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) if size else b"")
    return TfliteFile(path.name, data, root_of(data, IDENTIFIER, path.name))
