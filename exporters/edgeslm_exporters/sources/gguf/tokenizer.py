"""A tokenizer.json from a GGUF file's metadata: byte-level BPE as it is, SentencePiece BPE with its merges derived.

llama.cpp names how a byte-level tokenizer cuts text into words; the names here are those whose cut is known. A
SentencePiece vocabulary has scores instead of merges: two pieces merge when together they are a piece, the best score
first. Source: llama-vocab.cpp of llama.cpp; SentencePiece's BPE, arXiv 1808.06226.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 2, 3, 4, 6  # of tokenizer.ggml.token_type
_HINT = "put the model's tokenizer.json beside the .gguf file: it is used instead"


def _split(numbers: str) -> dict[str, Any]:
    """Cut at words, with `numbers` as the pattern of digits, then into bytes."""
    cut = {"type": "Split", "pattern": {"Regex": _WORDS % numbers}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [cut, {**_BYTES, "use_regex": False}]}


_DIGITS = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, _BYTES]}
# tokenizer.ggml.pre -> normalizer, pre-tokenizer, and whether a word that is a token skips the merges.
_BYTE_LEVEL: dict[str, tuple[dict[str, Any] | None, dict[str, Any], bool]] = {
    "gpt-2": (None, _BYTES, False),
    "phi-2": (None, _BYTES, False),
    "smollm": (None, _DIGITS, False),
    "llama-bpe": (None, _split(r"\p{N}{1,3}"), True),
    "qwen2": ({"type": "NFC"}, _split(r"\p{N}"), False),
}


def tokenizer_json(metadata: Mapping[str, Any]) -> bytes:
    """Return the tokenizer as a tokenizer.json.

    Raises UnsupportedOperator for a kind nobody wrote down, naming what to do, BadCheckpoint for damaged lists.
    """
    kind, cut = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre", "")
    vocabulary = {token: index for index, token in enumerate(_list(metadata, "tokens", str))}
    if kind == "llama":
        document = _sentence_piece(metadata, vocabulary)
    elif kind == "gpt2" and cut in _BYTE_LEVEL:
        document = _byte_level(metadata, vocabulary, cut)
    else:
        named = f"{kind!r}" + (f" that cuts text like {cut!r}" if kind == "gpt2" else "")
        raise UnsupportedOperator(f"the file's tokenizer is of kind {named}: nobody wrote that down yet", _HINT)
    head = {"version": "1.0", "truncation": None, "padding": None, "post_processor": None}
    document = {**head, "added_tokens": list(_added(metadata)), **document}
    return json.dumps(document, ensure_ascii=False).encode()


def tokenizer_config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizer_config.json: special tokens, what goes before a text, and the chat template."""
    tokens = metadata.get("tokenizer.ggml.tokens") or []
    found: dict[str, Any] = {}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        index = metadata.get(f"tokenizer.ggml.{key}_token_id")
        if isinstance(index, int) and 0 <= index < len(tokens):
            found[f"{name}_token"] = tokens[index]
    always = metadata.get("tokenizer.ggml.model") == "llama" or metadata.get("tokenizer.ggml.pre") == "llama-bpe"
    found["add_bos_token"] = bool(metadata.get("tokenizer.ggml.add_bos_token", always))
    if "tokenizer.chat_template" in metadata:
        found["chat_template"] = metadata["tokenizer.chat_template"]
    return found


def generation_config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the generation_config.json: every token that ends an answer."""
    ends = (metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot", "eom"))
    return {"eos_token_id": sorted({index for index in ends if isinstance(index, int)})}


def _byte_level(metadata: Mapping[str, Any], vocabulary: Mapping[str, int], cut: str) -> dict[str, Any]:
    normalizer, words, ignore_merges = _BYTE_LEVEL[cut]
    merges = _list(metadata, "merges", str)
    return {
        "normalizer": normalizer,
        "pre_tokenizer": words,
        "decoder": _BYTES,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, "ignore_merges": ignore_merges},
    }


def _sentence_piece(metadata: Mapping[str, Any], vocabulary: Mapping[str, int]) -> dict[str, Any]:
    unknown = metadata.get("tokenizer.ggml.unknown_token_id", 0)
    prefixed = metadata.get("tokenizer.ggml.add_space_prefix", True)
    blank = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    start = [{"type": "Prepend", "prepend": "▁"}] if prefixed else []
    end = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefixed else []
    back = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    return {
        "normalizer": {"type": "Sequence", "normalizers": [*start, blank]},
        "pre_tokenizer": None,
        "decoder": {"type": "Sequence", "decoders": [*back, *end]},
        "model": {
            "type": "BPE",
            "unk_token": next((token for token, index in vocabulary.items() if index == unknown), None),
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": vocabulary,
            "merges": list(_merges(metadata, vocabulary)),
        },
    }


def _merges(metadata: Mapping[str, Any], vocabulary: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield the pairs whose union is a piece of text, the best score first, then the earlier pieces."""
    scores, kinds = _list(metadata, "scores", float), _kinds(metadata)
    pieces = {token for token, index in vocabulary.items() if kinds[index] not in {_UNKNOWN, _CONTROL, _BYTE}}
    pairs = [
        (-scores[vocabulary[piece]], vocabulary[piece[:cut]], vocabulary[piece[cut:]], piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in pieces and piece[cut:] in pieces
    ]
    for *_, left, right in sorted(pairs):
        yield [left, right]


def _added(metadata: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tokens that are cut out of a text before anything else."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    for index, (token, kind) in enumerate(zip(_list(metadata, "tokens", str), _kinds(metadata), strict=True)):
        if kind in {_UNKNOWN, _CONTROL, _USER_DEFINED}:
            yield {"id": index, "content": token, **flags, "special": kind != _USER_DEFINED}


def _kinds(metadata: Mapping[str, Any]) -> list[Any]:
    tokens = _list(metadata, "tokens", str)
    return _list(metadata, "token_type", int) if "tokenizer.ggml.token_type" in metadata else [1] * len(tokens)


def _list(metadata: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    """Return a list of the tokenizer's; those beside the tokens have one entry a token."""
    values = metadata.get(f"tokenizer.ggml.{key}")
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise BadCheckpoint(f"the file has no readable tokenizer.ggml.{key}", _HINT)
    if key != "merges" and isinstance(tokens, list) and len(values) != len(tokens):
        raise BadCheckpoint(f"tokenizer.ggml.{key} has {len(values)} entries for {len(tokens)} tokens", _HINT)
    return values
