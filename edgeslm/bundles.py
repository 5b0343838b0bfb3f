"""A bundle on this machine, ready to be talked to from Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm_agent import bundle as device_bundle
from edgeslm_agent.engine.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import Manifest


@dataclass(frozen=True)
class LocalBundle:
    """An opened bundle; `session()` loads it."""

    opened: device_bundle.Bundle

    @property
    def path(self) -> Path:
        """The bundle's folder."""
        return self.opened.path

    @property
    def manifest(self) -> Manifest:
        """What the bundle is."""
        return self.opened.manifest

    @property
    def bundle_id(self) -> str:
        """SHA-256 of the manifest, in hex."""
        return self.opened.bundle_id

    def session(self, *, threads: int | None = None) -> Session:
        """Load the bundle: `generate()` streams tokens, `chat()` answers, `score()` gives logits [len, vocab]."""
        return Session.open(self.opened, threads=threads)


def open_bundle(path: str | Path, *, verify: bool = True) -> LocalBundle:
    """Open a bundle, checking every byte unless `verify` is off.

    Raises Corrupt, TooNew or BundleError (see `edgeslm_agent.bundle.open_bundle`).
    """
    return LocalBundle(device_bundle.open_bundle(path, verify=verify))
