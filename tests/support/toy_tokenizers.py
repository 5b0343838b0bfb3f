"""One small tokenizer for each way in which vocabularies write text, with every token a model could say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from edgeslm_agent.engine.tokenizer import FastTokenizer

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_PIECES = ["▁", "▁▁", "▁hello", "▁big", "world", "ly", "é", "世", "👋", "\ufffd", ".", "n't", "'s"]
_LETTERS = [chr(code) for code in range(33, 127)]


def _byte_level() -> Tokenizer:
    """GPT-2, Llama 3, Qwen, Phi: every token is bytes, and may end in the middle of a character."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merged = ["Ġ" + "a", "â" + "Ģ", "ðŁ", "ij" + "ĭ", "ï¿½", "éé"]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys([*alphabet, *merged]))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _byte_fallback(*, prefix_space: bool) -> Tokenizer:
    """Llama 2, Phi-3 (with the space before a text) and Gemma (without): characters, and bytes for all others."""
    words = ["<unk>", *_BYTES, *_PIECES, *_LETTERS]
    tokenizer = Tokenizer(models.BPE({word: index for index, word in enumerate(dict.fromkeys(words))}, [],
                                     unk_token="<unk>", byte_fallback=True, fuse_unk=True))  # fmt: skip  # noqa: S106  # no password
    steps: list[object] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix_space:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        steps.append(decoders.Strip(" ", 1, 0))
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(steps)
    return tokenizer


def _metaspace() -> Tokenizer:
    """T5 and others: a space is a sign of its own, the first of a text is dropped."""
    words = {word: index for index, word in enumerate(["<unk>", *_PIECES, *_LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(words, "<unk>"))
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def _word_pieces() -> Tokenizer:
    """BERT: words are joined by spaces, pieces are not, and the space before a full stop goes."""
    words = {
        word: index for index, word in enumerate(["[UNK]", "hello", "##ly", "big", ".", "n't", "'", "m", "##.", "?"])
    }
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))  # noqa: S106  # no password
    tokenizer.decoder = decoders.WordPiece(cleanup=True)
    return tokenizer


def _bare() -> Tokenizer:
    """Words without a decoder, which are joined by spaces."""
    return Tokenizer(models.WordLevel({word: index for index, word in enumerate(["<unk>", *_PIECES])}, "<unk>"))


MAKERS = {
    "byte-level": _byte_level,
    "byte-fallback": lambda: _byte_fallback(prefix_space=True),
    "byte-fallback-no-prefix": lambda: _byte_fallback(prefix_space=False),
    "metaspace": _metaspace,
    "word-pieces": _word_pieces,
    "bare": _bare,
}


def toy_tokenizer(name: str, folder: Path) -> FastTokenizer:
    """Return the tokenizer of a kind, with the special tokens `<end>` and `<|turn|>`."""
    tokenizer = MAKERS[name]()
    tokenizer.add_special_tokens([AddedToken("<end>"), AddedToken("<|turn|>")])
    tokenizer.save(str(folder / f"{name}.json"))
    return FastTokenizer(folder / f"{name}.json")
