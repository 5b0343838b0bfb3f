"""What this process takes of the machine's memory, in bytes."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, final

from edgeslm_agent.host.files import ROOT, kilobytes, read_text

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def rss_bytes(root: Path = ROOT) -> int:
    """Return the resident memory: own pages and pages of mapped files."""
    return _status(root).get("VmRSS", 0)


def peak_rss_bytes(root: Path = ROOT) -> int:
    """Return the most resident memory this process ever had."""
    return _status(root).get("VmHWM", rss_bytes(root))


def anonymous_bytes(root: Path = ROOT) -> int:
    """Return the resident memory that no file backs: what cannot be dropped without swapping."""
    facts = _status(root)
    return facts.get("RssAnon", facts.get("VmRSS", 0))


def pss_bytes(root: Path = ROOT) -> int:
    """Return the proportional share: a page used by n processes counts as 1/n.

    Kernels before 4.14 (Jetson Nano: 4.9) have no smaps_rollup; the mappings are then added up.
    """
    text = read_text(root / "proc/self/smaps_rollup") or read_text(root / "proc/self/smaps")
    return sum(int(kilobyte) for kilobyte in _PSS.findall(text)) * 1024


def _status(root: Path) -> dict[str, int]:
    return kilobytes(read_text(root / "proc/self/status"))


@final
class PeakAnonymous:
    """Samples anonymous_bytes in a thread while a block runs; `bytes` is the largest value seen.

    The kernel keeps a high-water mark for resident memory only, and that counts mapped weights too.
    """

    def __init__(self, interval_s: float = 0.01, root: Path = ROOT) -> None:
        self.bytes = 0
        self._interval_s = interval_s
        self._root = root
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-anonymous", daemon=True)

    def __enter__(self) -> PeakAnonymous:
        """Start sampling."""
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take a last sample and stop."""
        self._over.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._over.wait(self._interval_s):
            self._sample()

    def _sample(self) -> None:
        self.bytes = max(self.bytes, anonymous_bytes(self._root))
