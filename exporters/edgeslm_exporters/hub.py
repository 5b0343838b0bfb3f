"""The only file that imports huggingface_hub: fetches of a checkpoint what the export needs, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import BadCheckpoint, MissingExtra, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence


def download(name: str, revision: str | None, side_files: Sequence[str]) -> tuple[Path, str]:
    """Return the folder of a hub checkpoint (fetched unless the hub's cache has it) and its commit.

    Honours HF_HUB_OFFLINE. Raises BadCheckpoint when the hub does not know it, Unreachable when nobody answers.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtra("fetching from the hub needs huggingface_hub", "pip install 'edgeslm[export]'")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    patterns = [*side_files, "*.safetensors", "*.safetensors.index.json"]
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError) as error:
        raise Unreachable(f"'{name}' is not in the hub's cache and the hub does not answer", _hint(name)) from error
    except (HfHubHTTPError, ValueError) as error:
        raise BadCheckpoint(f"the hub has no '{name}' for you: {error}", _hint(name)) from error
    return folder, folder.name  # the cache keeps a snapshot under its commit


def _hint(name: str) -> str:
    return f"if '{name}' is a folder, check its path; a gated model needs `huggingface-cli login`"
