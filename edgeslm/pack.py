"""Writes a bundle: artifacts, tokenizer and manifest go into a temporary sibling folder, then one rename.

A bundle exists whole or not at all. `staging` gives the folder that becomes the bundle and removes it when anything
goes wrong, Ctrl-C included; `seal` writes tokenizer and manifest into it (`assemble` only what a trial run on this
machine needs); `publish` makes it the bundle.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from edgeslm_agent import __version__
from edgeslm_agent.bundle import Bundle, EncoderBundle, file_digest, open_any
from edgeslm_agent.contract.manifest import (
    MANIFEST_NAME,
    FileEntry,
    Limits,
    Manifest,
    ModelSource,
    Probe,
)
from edgeslm_agent.errors import BundleError, EnvironmentProblem, UsageError
from edgeslm_exporters.chat_template import bos_token, compile_chat, stop_tokens
from edgeslm_exporters.formats import last_logits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact

PROBE_TOKENS = 8
PROBE_TOP = 5
PROBE_MARGIN = 0.25  # logits closer than this may change places between processors
PROBE_STARTS = (7919, 104729, 1299709)  # fixed prompts; the first with a clear answer is taken
TOKENIZER = "tokenizer/tokenizer.json"

B = TypeVar("B", Bundle, EncoderBundle)


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out`; it is removed at the end unless `publish` renamed it.

    Raises EnvironmentProblem when the folder of `out` cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        folder.chmod(out.parent.stat().st_mode & 0o777)  # mkdtemp's is for the owner alone; a bundle is not a secret
    except OSError as error:
        raise EnvironmentProblem(f"cannot write beside {out}: {error.strerror}", "choose another -o") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assemble(folder: Path, checkpoint: Checkpoint, label: str, artifact: Artifact, variant: str) -> Bundle:
    """Add the tokenizer to a folder that holds the artifact; the bundle can be run here, and has no probe yet.

    `label` is how the manifest names the checkpoint's source.
    """
    (folder / "tokenizer").mkdir()
    (folder / TOKENIZER).write_bytes(checkpoint.tokenizer_json)
    manifest = _manifest(folder, checkpoint, label, artifact, variant)
    return Bundle(folder, manifest, manifest.bundle_id)


def seal(folder: Path, checkpoint: Checkpoint, label: str, artifact: Artifact, variant: str) -> Bundle:
    """Add tokenizer and manifest to a folder that holds the artifact; the probe is computed by running it."""
    assembled = assemble(folder, checkpoint, label, artifact, variant)
    with ThreadPoolExecutor(1, "flush") as beside:  # the disk takes its time; the probe needs the processor
        flushed = beside.submit(_sync_files, [assembled.file(entry.path) for entry in artifact.files])
        manifest = replace(assembled.manifest, probe=_probe(assembled, artifact))
        flushed.result()
    complete(folder, manifest.to_bytes())
    return Bundle(folder, manifest, manifest.bundle_id)


def complete(folder: Path, manifest: bytes) -> None:
    """Write the manifest of a folder that holds everything it lists, and flush all of it to the disk."""
    _write_synced(folder / MANIFEST_NAME, manifest)
    _sync_tree(folder)


def publish(staged: B, out: Path, *, force: bool) -> B:
    """Make the staged folder the bundle at `out` and return it; the same bundle already there only gets new evidence.

    Raises UsageError when `out` holds something else and `force` is not given.
    """
    check_free(out, staged.bundle_id, force=force)
    if out.exists():
        retired = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".retired", dir=out.parent))
        out.rename(retired / out.name)
        staged.path.rename(out)
        shutil.rmtree(retired, ignore_errors=True)
    else:
        staged.path.rename(out)
    _sync_folder(out.parent)
    return replace(staged, path=out.resolve())


def check_free(out: Path, bundle_id: str | None, *, force: bool) -> None:
    """Return when `out` may be written: absent, empty, the same bundle, or any bundle with `force`.

    With `bundle_id` None any bundle may turn out to be the same: the check before the work is done.

    Raises UsageError otherwise; a folder that is not a bundle is never removed, not even with `force`.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        present = open_any(out, verify=False).bundle_id
    except BundleError as error:
        if force and (out / MANIFEST_NAME).is_file():
            return
        raise UsageError(f"{out} exists and is not a bundle", "choose another -o, or remove it yourself") from error
    if bundle_id not in {None, present} and not force:
        raise UsageError(f"{out} holds another bundle ({present[:12]})", "choose another -o, or give --force")


def _manifest(folder: Path, checkpoint: Checkpoint, label: str, artifact: Artifact, variant: str) -> Manifest:
    spec, decoder, tokenizer = artifact.spec, artifact.decoder, folder / TOKENIZER
    return Manifest(
        variant=variant,
        recipe=artifact.recipe.name,
        format=artifact.layout.format,
        context=decoder.context,
        model=ModelSource(
            checkpoint.name,
            label,
            checkpoint.revision or "",
            checkpoint.digest(),
            spec.model_type,
            spec.parameters,
            checkpoint.licence,
        ),
        runtime=artifact.layout.runtime,
        decoder=decoder,
        tokenizer=TOKENIZER,
        bos_token_id=bos_token(checkpoint),
        stop_token_ids=stop_tokens(checkpoint),
        chat=compile_chat(checkpoint),
        limits=Limits(max_prompt_tokens=decoder.context - 1, max_tokens=decoder.context - 1),
        probe=Probe((), ()),
        files=(*artifact.files, FileEntry(TOKENIZER, tokenizer.stat().st_size, file_digest(tokenizer))),
        tools={"edgeslm": __version__},
    )


def _probe(bundle: Bundle, artifact: Artifact) -> Probe:
    prompts = probe_prompts(artifact.decoder, PROBE_TOKENS)
    return best_probe(prompts, last_logits(artifact.layout, bundle.file(artifact.decoder.graph).parent, prompts))


def probe_prompts(decoder: DecoderShape, length: int) -> list[tuple[int, ...]]:
    """Return what a probe may be made of: prompts of at most `length` tokens."""
    vocab, length = decoder.vocab_size, min(length, decoder.context)
    return [tuple((start * (n + 1)) % vocab for n in range(length)) for start in PROBE_STARTS]


def best_probe(prompts: Sequence[tuple[int, ...]], answers: Iterable[NDArray[np.float32]]) -> Probe:
    """Return a prompt and its most likely next tokens, as far down as their order is beyond doubt, at least one.

    `answers` are the logits [vocab] after each prompt; no more are asked for than it takes.
    """
    doubtful = []
    for ids, logits in zip(prompts, answers, strict=True):
        probe = Probe(ids, _beyond_doubt(logits))
        if len(probe.top_tokens) > 1:
            return probe
        doubtful.append(probe)
    return doubtful[0]


def _beyond_doubt(logits: NDArray[np.float32]) -> tuple[int, ...]:
    order = [int(index) for index in logits.argsort()[::-1][: PROBE_TOP + 1]]
    clear = 1
    while clear < len(order) - 1 and logits[order[clear - 1]] - logits[order[clear]] >= PROBE_MARGIN:
        clear += 1
    return tuple(order[:clear])


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_files(paths: Iterable[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _sync_files([path])
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
