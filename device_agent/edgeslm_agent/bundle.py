"""Open a bundle, prove that it is whole, and keep what was observed about it.

    BUNDLE/manifest.json         what it is; the SHA-256 of these bytes is the bundle's id
    BUNDLE/artifacts/...         exactly the files that the manifest lists, of the size and digest it says
    BUNDLE/tokenizer/...
    BUNDLE/evidence/NAME.json    observed figures, outside the id, replaced atomically

A bundle comes from elsewhere, so its manifest is not trusted: a listed path may not leave the folder (neither by `..`
nor through a symbolic link), what is read is bounded, and a file nobody listed is an error. Writing a bundle is the
business of `edgeslm.pack`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from edgeslm_agent.contract.manifest import MANIFEST_NAME, EncoderManifest, FileEntry, Manifest, parse_manifest
from edgeslm_agent.errors import BundleError, Corrupt, EnvironmentProblem, Incompatible, UsageError
from edgeslm_agent.host.durable import write_durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVIDENCE = "evidence"
LISTED_FOLDERS = ("artifacts", "tokenizer")
MANIFEST_MAX_BYTES = 1 << 20
EVIDENCE_MAX_BYTES = 64 << 20
READABLE = 0o644  # figures, for the other users of an agent too
HASH_BLOCK_BYTES = 1 << 20
_AGAIN = "export the bundle again, or copy it again from where it came"
_MEASURE_AGAIN = "remove it and measure again"
_EVIDENCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


M = TypeVar("M", Manifest, EncoderManifest)


@dataclass(frozen=True)
class _Opened(Generic[M]):
    """An opened bundle: its folder (absolute), its manifest, and its id (SHA-256 of manifest.json in hex)."""

    path: Path
    manifest: M
    bundle_id: str

    def file(self, relative: str) -> Path:
        """Return where a file of the manifest lies."""
        return self.path / relative

    @property
    def total_bytes(self) -> int:
        """Size of everything that ships, manifest included."""
        return (self.path / MANIFEST_NAME).stat().st_size + sum(entry.bytes for entry in self.manifest.files)

    @property
    def weights_bytes(self) -> int:
        """Size of the weights: the graph's external data, or the graph's own file where they lie in it."""
        sizes = {entry.path: entry.bytes for entry in self.manifest.files}
        return sizes.get(self.manifest.graph + ".data", sizes.get(self.manifest.graph, 0))


class Bundle(_Opened[Manifest]):
    """A decoder's bundle: it generates text."""


class EncoderBundle(_Opened[EncoderManifest]):
    """An encoder's bundle: it gives a text's embedding or its label."""


def open_bundle(path: str | Path, *, verify: bool = True) -> Bundle:
    """Open the bundle of a decoder; raises as `open_any` does, and Incompatible for that of an encoder."""
    opened = open_any(path, verify=verify)
    if isinstance(opened, EncoderBundle):
        raise Incompatible(
            f"{opened.manifest.variant} is an encoder: it can {opened.manifest.encoder.task}, not generate",
            "use `edgeslm run` on it, or open it with edgeslm_agent.engine.encoder.EncoderSession",
        )
    return opened


def open_any(path: str | Path, *, verify: bool = True) -> Bundle | EncoderBundle:
    """Open the bundle in the folder `path`, whatever its model does.

    Sizes and stray files are always checked (a few system calls); `verify` also hashes every file.
    Raises Corrupt naming the file that is missing, changed, stray or outside the folder; TooNew for a later format;
    BundleError when `path` is not a bundle at all; EnvironmentProblem when a file may not be read.
    """
    root = Path(path).resolve()
    try:
        return _open(root, verify=verify)
    except OSError as error:
        where = error.filename or root
        raise EnvironmentProblem(f"cannot read {where}: {error.strerror}", "fix its permissions") from error


def _open(root: Path, *, verify: bool) -> Bundle | EncoderBundle:
    data = _read_manifest(root)
    manifest = parse_manifest(data)
    listed = {entry.path: entry for entry in manifest.files}
    if len(listed) != len(manifest.files):
        raise Corrupt(f"{MANIFEST_NAME} lists a file twice", _AGAIN)
    for needed in (manifest.graph, manifest.tokenizer):
        if needed not in listed:
            raise Corrupt(f"{MANIFEST_NAME} does not list {needed}, which it needs", _AGAIN)
    for entry in manifest.files:
        _check_file(root, entry, verify=verify)
    for stray in sorted(_found(root) - listed.keys()):
        raise Corrupt(f"{stray} is in the bundle but not in its manifest", f"remove it, or {_AGAIN}")
    bundle_id = hashlib.sha256(data).hexdigest()
    if isinstance(manifest, EncoderManifest):
        return EncoderBundle(root, manifest, bundle_id)
    return Bundle(root, manifest, bundle_id)


def read_evidence(bundle: Bundle | EncoderBundle, name: str) -> dict[str, Any] | None:
    """Return the document `evidence/NAME.json`, or None when nobody wrote one.

    Raises Corrupt when it is not a JSON object.
    """
    file = _evidence_file(bundle, name)
    if not file.is_file():
        return None
    if file.stat().st_size > EVIDENCE_MAX_BYTES:
        raise Corrupt(f"{EVIDENCE}/{file.name} is larger than {EVIDENCE_MAX_BYTES} bytes", _MEASURE_AGAIN)
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{EVIDENCE}/{file.name} is not JSON: {error}", _MEASURE_AGAIN) from error
    if not isinstance(document, dict):
        raise Corrupt(f"{EVIDENCE}/{file.name} is not a JSON object", _MEASURE_AGAIN)
    return document


def write_evidence(bundle: Bundle | EncoderBundle, name: str, document: Mapping[str, Any]) -> Path:
    """Replace `evidence/NAME.json` atomically and return its path.

    Raises EnvironmentProblem when the disk refuses.
    """
    file = _evidence_file(bundle, name)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        file.parent.mkdir(exist_ok=True)
        write_durable(file, text.encode(), READABLE)
    except OSError as error:
        hint = "free some space or fix its permissions"
        raise EnvironmentProblem(f"cannot write {file}: {error.strerror}", hint) from error
    return file


def _evidence_file(bundle: Bundle | EncoderBundle, name: str) -> Path:
    if not _EVIDENCE_NAME.fullmatch(name):
        raise UsageError(f"'{name}' is not a name of evidence", "use lower-case letters, digits, - and _")
    return bundle.path / EVIDENCE / f"{name}.json"


def _read_manifest(root: Path) -> bytes:
    file = root / MANIFEST_NAME
    if not file.is_file():
        hint = "give the folder that `edgeslm export` wrote"
        raise BundleError(f"{root} is not a bundle: no {MANIFEST_NAME} in it", hint)
    with file.open("rb") as stream:
        data = stream.read(MANIFEST_MAX_BYTES + 1)
    if len(data) > MANIFEST_MAX_BYTES:
        raise Corrupt(f"{MANIFEST_NAME} is larger than {MANIFEST_MAX_BYTES} bytes", _AGAIN)
    return data


def _check_file(root: Path, entry: FileEntry, *, verify: bool) -> None:
    file = root / _inside(entry.path)
    try:
        real = file.resolve(strict=True)
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise Corrupt(f"{entry.path} is missing from the bundle", _AGAIN) from error
    if not real.is_relative_to(root):
        raise Corrupt(f"{entry.path} leads out of the bundle, to {real}", _AGAIN)
    if not stat.S_ISREG(status.st_mode):
        raise Corrupt(f"{entry.path} is not a regular file", _AGAIN)
    if status.st_size != entry.bytes:
        raise Corrupt(f"{entry.path} has {status.st_size} bytes, its manifest says {entry.bytes}", _AGAIN)
    if verify and file_digest(real) != entry.sha256:
        raise Corrupt(f"{entry.path} has changed since the bundle was written", _AGAIN)


def _inside(path: str) -> PurePosixPath:
    """Return a listed path, or refuse one that is not plainly below one of the listed folders."""
    parts = path.split("/")
    plain = len(parts) > 1 and not {"", ".", ".."} & set(parts) and "\\" not in path and "\0" not in path
    if not plain or parts[0] not in LISTED_FOLDERS:
        where = " or ".join(LISTED_FOLDERS)
        raise Corrupt(f"{MANIFEST_NAME} lists {path!r}, which is not a path inside {where}", _AGAIN)
    return PurePosixPath(path)


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file in hex, reading one block at a time."""
    digest = hashlib.sha256()
    block = memoryview(bytearray(HASH_BLOCK_BYTES))
    with file.open("rb", buffering=0) as stream:
        while count := stream.readinto(block):
            digest.update(block[:count])
    return digest.hexdigest()


def _found(root: Path) -> set[str]:
    return {name for folder in LISTED_FOLDERS for name in _walk(root, root / folder)}


def _walk(root: Path, folder: Path) -> Iterator[str]:
    """Yield every file below a folder, and every link to a folder, whose content nobody would check."""
    for where, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        for name in [*files, *links]:
            yield (Path(where) / name).relative_to(root).as_posix()
