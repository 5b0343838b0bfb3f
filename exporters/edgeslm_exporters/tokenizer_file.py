"""What an export must know of a tokenizer.json, and the one that ships: it alone does what `transformers` does.

`transformers` takes part of a tokenizer's behaviour from tokenizer_config.json. A device reads tokenizer.json only, so
that part is written into it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FLAGS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
_PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
_SENTENCEPIECE_DECODERS = (
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
)
_STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
_SAVE_AGAIN = "save the tokenizer again with the `tokenizers` library"
_NO_CONFIG: Mapping[str, Any] = {}


@dataclass(frozen=True)
class TokenizerFacts:
    """`size` is the highest id plus one, `special` maps special tokens to ids, `prefix` stands before every text.

    A `complete` file does by itself what `transformers` does with it and the config.
    """

    size: int
    special: Mapping[str, int]
    prefix: tuple[int, ...]
    complete: bool


def read_tokenizer(
    data: bytes, names: Iterable[str], config: Mapping[str, Any] = _NO_CONFIG, model_type: str = ""
) -> TokenizerFacts:
    """Return the facts of what `compile_tokenizer` makes of a tokenizer.json, parsed once.

    `names` are tokens to look up besides those it marks as special. The file is let go of: a vocabulary of 150,000
    words must not stay in memory for a few facts.
    Raises BadCheckpoint when it is not a tokenizer of the `tokenizers` library.
    """
    found, document = _compiled(data, config, model_type)
    try:
        vocabulary = _vocabulary(document["model"]["vocab"])
        tokens = document.get("added_tokens") or []
        added = {str(token["content"]): int(token["id"]) for token in tokens}
        marked = {str(token["content"]) for token in tokens if token.get("special")}
        prefix = tuple(_prefix(document.get("post_processor") or {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_tokenizer(error) from error
    wanted = (*sorted(marked), *names)
    special = {name: added.get(name, vocabulary.get(name)) for name in wanted}
    size = max(max(vocabulary.values(), default=-1), max(added.values(), default=-1)) + 1
    known = {name: index for name, index in special.items() if index is not None}
    return TokenizerFacts(size, known, prefix, complete=document == found)


def compile_tokenizer(data: bytes, config: Mapping[str, Any], model_type: str) -> bytes:
    """Return the tokenizer.json that encodes and decodes by itself as `transformers` does with both files.

    Two things come from the config: how added tokens are found (`added_tokens_decoder`), and, for a Llama whose class
    is LlamaTokenizer, where a space is put (`legacy`, `add_prefix_space`; transformers 5 builds that tokenizer anew,
    models/llama/tokenization_llama.py). Data that says all of it already comes back as it is.
    Raises BadCheckpoint when it is not a tokenizer of the `tokenizers` library.
    """
    found, document = _compiled(data, config, model_type)
    return data if document == found else json.dumps(document, ensure_ascii=False).encode()


def _compiled(data: bytes, config: Mapping[str, Any], model_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a tokenizer.json as it is, and with what the config says of it."""
    try:
        document = json.loads(data)
        tokens, spaces = _added_tokens(document, config), _llama_spaces(document, config, model_type)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_tokenizer(error) from error
    return document, {**document, **({"added_tokens": tokens} if tokens else {}), **spaces}


def _no_tokenizer(error: Exception) -> BadCheckpoint:
    return BadCheckpoint(f"tokenizer.json is not a tokenizer: {error!r}", _SAVE_AGAIN)


def _added_tokens(document: Mapping[str, Any], config: Mapping[str, Any]) -> list[Any]:
    """Return the added tokens in the order of their ids; what the config says of one counts."""
    tokens = {int(token["id"]): dict(token) for token in document.get("added_tokens") or []}
    for index, token in (config.get("added_tokens_decoder") or {}).items():
        if isinstance(token, dict) and isinstance(token.get("content"), str):
            flags = {name: token[name] for name in _FLAGS if name in token}
            tokens[int(index)] = {**_PLAIN, **tokens.get(int(index), {}), **flags, "id": int(index)}
    return [tokens[index] for index in sorted(tokens)]


def _llama_spaces(document: Mapping[str, Any], config: Mapping[str, Any], model_type: str) -> dict[str, Any]:
    """Return the steps of a sentencepiece Llama, or nothing for any other tokenizer."""
    is_llama = (
        model_type in {"", "llama"} and str(config.get("tokenizer_class")).removesuffix("Fast") == "LlamaTokenizer"
    )
    if not is_llama or document["model"].get("byte_fallback") is not True:
        return {}
    prefix = config.get("add_prefix_space") is not False
    scheme = ("always" if config.get("legacy") is True else "first") if prefix else "never"
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": False},
        "decoder": {"type": "Sequence", "decoders": [*_SENTENCEPIECE_DECODERS, *([_STRIP] if prefix else [])]},
    }


def _vocabulary(vocab: list[Any] | dict[str, Any]) -> dict[str, int]:
    """Token -> id; Unigram models keep a list of pairs in the order of their ids."""
    if isinstance(vocab, list):
        return {str(piece): index for index, (piece, _) in enumerate(vocab)}
    if not set(map(type, vocab.values())) <= {int}:
        raise TypeError("an id in the vocabulary is no whole number")
    return vocab


def _prefix(processor: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ids a TemplateProcessing puts before a single text; it may sit inside a Sequence."""
    for inner in processor.get("processors", ()):
        yield from _prefix(inner)
    if processor.get("type") != "TemplateProcessing":
        return
    for piece in processor["single"]:
        if "SpecialToken" not in piece:
            return
        yield from (int(index) for index in processor["special_tokens"][piece["SpecialToken"]["id"]]["ids"])
