"""adopt(): a decoder that another tool wrote as .tflite or .litertlm becomes a bundle.

The file is taken as it is. What a runtime must know of it comes from its signatures, what a prompt needs from the
.litertlm or from a folder with tokenizer.json. The probe of the bundle is what single steps answer; the session's
self-test then reads the same tokens in chunks, so a file whose prefill or cache works otherwise is not adopted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeslm.pack import TOKENIZER, best_probe, check_free, complete, probe_prompts, publish, staging
from edgeslm_agent import __version__
from edgeslm_agent.bundle import Bundle, file_digest
from edgeslm_agent.contract.manifest import FileEntry, Limits, Manifest, ModelSource, Probe, RuntimeRequirement
from edgeslm_agent.engine.session import Session
from edgeslm_agent.errors import Incompatible, UsageError
from edgeslm_exporters.chat_template import bos_token, compile_chat, stop_tokens
from edgeslm_exporters.checkpoint import SideFiles, side_files
from edgeslm_exporters.tflite.foreign import foreign_shape, weight_count
from edgeslm_exporters.tflite.layout import FILE_NAME, MIN_LITERT
from edgeslm_exporters.tflite.litertlm import read_litertlm
from edgeslm_exporters.tokenizer_file import read_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_exporters.tflite.litertlm import Packed
    from edgeslm_exporters.tflite.llm_metadata import Token

GRAPH = f"artifacts/{FILE_NAME}"
RECIPE = "foreign"  # nobody here knows how it was quantised
PROBE_TOKENS = 140  # a chunk of 128 and some
COPY_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Source:
    """Where the .tflite lies in a file, and what is said beside it."""

    begin: int
    size: int
    words: SideFiles


def adopt(path: Path, *, tokenizer: Path | None = None, out: Path | None = None, force: bool = False) -> Bundle:
    """Write the bundle of a .tflite or .litertlm to `out` (default: a folder named after the variant).

    `tokenizer` is a folder with tokenizer.json and what a checkpoint has beside it; without it the .litertlm says so.
    Raises UsageError for other files, Corrupt for broken ones, Incompatible for models that are no plain decoder or
    that answer in chunks otherwise than step by step.
    """
    source = _source(path, tokenizer)
    if out is not None:
        check_free(out, None, force=force)
    with staging(out or Path(path.stem)) as folder:
        (folder / GRAPH).parent.mkdir()
        _copy(path, source, folder / GRAPH)
        (folder / TOKENIZER).parent.mkdir()
        (folder / TOKENIZER).write_bytes(source.words.tokenizer_json)
        manifest = _manifest(folder, path, source.words, foreign_shape(folder / GRAPH, GRAPH))
        manifest = replace(manifest, probe=_probe(Bundle(folder, manifest, "")))
        bundle = Bundle(folder, manifest, manifest.bundle_id)
        Session.open(bundle).close()
        complete(folder, manifest.to_bytes())
        return publish(bundle, out or Path(manifest.variant), force=force)


def _source(path: Path, tokenizer: Path | None) -> _Source:
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "give a .tflite or a .litertlm")
    if path.suffix == ".litertlm":
        packed = read_litertlm(path)
        words = side_files(tokenizer) if tokenizer is not None else _words_of_packed(path.stem, packed)
        return _Source(packed.begin, packed.size, words)
    if tokenizer is None:
        raise UsageError(f"{path.name} holds no tokenizer", "give the folder of its tokenizer.json with --tokenizer")
    return _Source(0, path.stat().st_size, side_files(tokenizer))


def _words_of_packed(name: str, packed: Packed) -> SideFiles:
    """Return what a .litertlm says, as the files of a checkpoint that says the same."""
    metadata, special = packed.metadata, read_tokenizer(packed.tokenizer, ()).special
    start = _first_token(metadata.start, special)
    settings: dict[str, Any] = {} if start is None else {"bos_token": start, "add_bos_token": True}
    if metadata.template is not None:
        first = "" if start is None else f'{{{{ {json.dumps(start)} }}}}{{%- set bos_token = "" -%}}'
        settings["chat_template"] = first + metadata.template  # LiteRT-LM puts the first token there itself
    stops = [special.get(stop) if isinstance(stop, str) else stop for stop in metadata.stops]
    documents = {
        "tokenizer.json": packed.tokenizer,
        "tokenizer_config.json": json.dumps(settings).encode(),
        "generation_config.json": json.dumps({"eos_token_id": [stop for stop in stops if stop is not None]}).encode(),
    }
    return SideFiles(name=name, source=f"{name}.litertlm", config={}, document=documents.get)


def _first_token(token: Token | None, special: Mapping[str, int]) -> str | None:
    """Return the text of a first token. Raises Incompatible when its tokenizer does not mark it as special."""
    texts = {index: text for text, index in special.items()}
    text = texts.get(token) if isinstance(token, int) else token
    if token is not None and text not in special:
        hint = "give the folder of its tokenizer.json with --tokenizer"
        raise Incompatible(f"its first token {token!r} is no special token of its tokenizer", hint)
    return text


def _copy(path: Path, source: _Source, graph: Path) -> None:
    """Copy the .tflite out of a file, a block at a time."""
    left = source.size
    with path.open("rb") as stream, graph.open("wb") as out:
        stream.seek(source.begin)
        while block := stream.read(min(left, COPY_BLOCK)):
            out.write(block)
            left -= len(block)


def _manifest(folder: Path, path: Path, words: SideFiles, decoder: DecoderShape) -> Manifest:
    files = tuple(
        FileEntry(name, (folder / name).stat().st_size, file_digest(folder / name)) for name in (GRAPH, TOKENIZER)
    )
    kind, parameters = str(words.config.get("model_type", "")), weight_count(folder / GRAPH)
    return Manifest(
        variant=f"{path.stem}_{RECIPE}_tflite_{decoder.context}",
        recipe=RECIPE,
        format="tflite",
        context=decoder.context,
        model=ModelSource(path.stem, f"file:{path.name}", "", files[0].sha256, kind, parameters),
        runtime=RuntimeRequirement("ai-edge-litert", MIN_LITERT),
        decoder=decoder,
        tokenizer=TOKENIZER,
        bos_token_id=bos_token(words),
        stop_token_ids=stop_tokens(words),
        chat=compile_chat(words),
        limits=Limits(max_prompt_tokens=decoder.context - 1, max_tokens=decoder.context - 1),
        probe=Probe((), ()),
        files=files,
        tools={"edgeslm": __version__},
    )


def _probe(bundle: Bundle) -> Probe:
    """Return a probe that was read token by token."""
    prompts = probe_prompts(bundle.manifest.decoder, PROBE_TOKENS)
    with Session.open(bundle, check_probe=False) as session:
        answers = []
        for prompt in prompts:
            *_, (_, last) = session.score_chunks(prompt)
            answers.append(last[-1].copy())
    return best_probe(prompts, answers)
