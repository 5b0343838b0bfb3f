"""The only file that imports huggingface_hub: a repository of the hub, pinned to a commit, one file at a time.

Headers of weights are read by range requests, so a plan fetches some kilobytes; a file is fetched when somebody reads
it. What was fetched lies in the library's cache; HF_HUB_OFFLINE, HF_ENDPOINT, HF_HUB_CACHE and HF_TOKEN are honoured.

The library forgets a download that breaks off. Weights are therefore put into its cache from here: first under a name
of ours, to be continued by a later run, then under the name it looks for.
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeslm_agent.bundle import file_digest
from edgeslm_agent.errors import BadCheckpoint, EnvironmentProblem, MissingExtra, Unreachable, UsageError
from edgeslm_exporters.weight_files import read_headers, tensor_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm_exporters.weight_files import TensorHeader

WEIGHTS = ".safetensors"
_SHA256 = re.compile("[0-9a-f]{64}")  # the hub's tag of a large file; a small one has another


@dataclass(frozen=True)
class HubFolder:
    """The files of `name` (owner/name) at `commit`."""

    name: str
    commit: str

    def path(self, file: str) -> Path | None:
        """Return where a file is on this machine, fetched if need be; None when the repository has none.

        Without the hub a file that is not in its cache is one that the repository does not have: whoever needs it says
        so. Raises Unreachable when a download breaks off, EnvironmentProblem when the disk is full.
        """
        from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        cached = try_to_load_from_cache(self.name, file, revision=self.commit)
        if isinstance(cached, str):
            return Path(cached)
        if cached is not None or constants.HF_HUB_OFFLINE:
            return None
        with _translated(self.name):
            try:
                if file.endswith(WEIGHTS):
                    _fetch_blob(self.name, file, self.commit)
                return Path(hf_hub_download(self.name, file, revision=self.commit))
            except LocalEntryNotFoundError:
                raise  # no answer from the hub, which is no answer of it
            except EntryNotFoundError:
                return None

    def headers(self, file: str) -> dict[str, TensorHeader] | None:
        """Return the tensors of a safetensors file, from its header alone, or None when the repository has none."""
        from huggingface_hub import HfApi, try_to_load_from_cache
        from huggingface_hub.errors import EntryNotFoundError

        cached = try_to_load_from_cache(self.name, file, revision=self.commit)
        if isinstance(cached, str):
            return read_headers(Path(cached))
        with _translated(self.name):
            try:
                metadata = HfApi().parse_safetensors_file_metadata(self.name, file, revision=self.commit)
            except EntryNotFoundError:
                return None
        return {
            name: tensor_header(
                file, name, {"dtype": info.dtype, "shape": info.shape, "data_offsets": info.data_offsets}
            )
            for name, info in metadata.tensors.items()
        }


def open_hub(name: str, revision: str | None) -> HubFolder:
    """Return a repository at the commit that `revision` (a commit, a tag or a branch; None: main) stands for.

    Raises BadCheckpoint when the hub does not have it for this user, Unreachable when neither hub nor cache do.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtra("fetching from the hub needs huggingface_hub", "pip install 'edgeslm[export]'")
    from huggingface_hub import hf_hub_download

    with _translated(name, revision):
        config = Path(hf_hub_download(name, "config.json", revision=revision))
    return HubFolder(name, config.parent.name)  # the cache keeps a snapshot under its commit


def _fetch_blob(name: str, file: str, commit: str) -> None:
    """Put a file's bytes where the library's cache keeps them, going on where an earlier run broke off.

    Another process that fetches the same file is left to it: then the library fetches a copy of its own.
    Raises OSError when the bytes are not those the hub announced; they are removed.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get, repo_folder_name
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(name, file, revision=commit)
    announced = get_hf_file_metadata(url)
    blobs = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    blob, partial = blobs / announced.etag, blobs / f"{announced.etag}.edgeslm.partial"
    # A redirect leads to another host, which must not see the token.
    headers = build_hf_headers() if urlsplit(announced.location).netloc == urlsplit(url).netloc else {}
    with suppress(BlockingIOError), partial.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if blob.exists():  # another process finished it after this one had opened it
            return
        http_get(announced.location, stream, resume_size=stream.tell(), headers=headers, expected_size=announced.size)
        stream.flush()
        os.fsync(stream.fileno())
        if _SHA256.fullmatch(announced.etag) and file_digest(partial) != announced.etag:
            partial.unlink()
            raise OSError(f"{file} is not what the hub announced; it was removed")
        partial.replace(blob)


@contextmanager
def _translated(name: str, revision: str | None = None) -> Iterator[None]:
    """Turn the library's errors into ours."""
    from huggingface_hub import errors

    try:
        yield
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise Unreachable(
            f"'{name}' is not in the hub's cache, and the hub does not answer",
            "connect and unset HF_HUB_OFFLINE once, or give a folder that holds the checkpoint",
        ) from error
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError, errors.RepositoryNotFoundError) as error:
        raise _refusal(error, name, revision) from error
    except errors.HFValidationError as error:
        raise UsageError(f"'{name}' is no hub id: {error}", "a hub id looks like owner/name") from error
    except errors.SafetensorsParsingError as error:
        raise BadCheckpoint(
            f"'{name}' has weights without readable header: {error}", "name another @revision"
        ) from error
    except (errors.HTTPError, OSError) as error:
        raise _broken_off(error, name) from error


def _refusal(error: Exception, name: str, revision: str | None) -> BadCheckpoint:
    """Return what the hub's answer no means for the user."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        hint = f"accept its terms at https://huggingface.co/{name}, then `hf auth login` or set HF_TOKEN"
        return BadCheckpoint(f"'{name}' is gated", hint)
    if isinstance(error, errors.RevisionNotFoundError):
        return BadCheckpoint(f"'{name}' has no revision '{revision}'", "name a branch, a tag or a commit")
    if isinstance(error, errors.RepositoryNotFoundError):
        hint = f"if '{name}' is a folder, check its path; for a private model `hf auth login` or set HF_TOKEN"
        return BadCheckpoint(f"the hub has no '{name}' for you", hint)
    return BadCheckpoint(
        f"'{name}' has no config.json: it is no checkpoint in Hugging Face layout",
        "for a .gguf file, download it and give its path",
    )


def _broken_off(error: Exception, name: str) -> EnvironmentProblem | Unreachable:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return EnvironmentProblem(
            f"the disk is full while '{name}' is fetched", "free some space, or set HF_HUB_CACHE to another disk"
        )
    return Unreachable(f"fetching '{name}' failed: {error}", "run it again: what was fetched is kept")
