from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from edgeslm_agent.errors import BadCheckpoint, UnsupportedOperator
from edgeslm_exporters.sources.gguf.tokenizer import generation_config, tokenizer_config, tokenizer_json
from edgeslm_exporters.tokenizer_file import read_tokenizer

DATA = Path(__file__).parents[6] / "shared" / "data" / "tokenizers"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data has the published tokenizers")
TEXTS = (
    "Hello, world! It's 12:30, isn't it?",
    "  two  spaces\tand a tab\n\nand lines\r\n",
    "def f(x):\n    return x ** 2  # ünïcödé",
    "日本語のテキスト、中文文本 и русский текст",
    "emoji 👩‍👩‍👧‍👦 and 🇩🇪 flags",
    "\x00\x07 control",
    "",
    " ",
    "1234567890 3.14159",
    "<s>special</s> <|endoftext|>",
)
SMALL: dict[str, Any] = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": ["<|end|>", "a", "b", "ab"],
}
SMALL |= {"tokenizer.ggml.merges": ["a b"], "tokenizer.ggml.token_type": [3, 1, 1, 1]}


def metadata_of(folder: str, kind: str) -> tuple[dict[str, Any], tokenizers.Tokenizer]:
    """Return a published tokenizer as llama.cpp's converter would write it, and the tokenizer itself."""
    path = DATA / folder / "tokenizer.json"
    document = json.loads(path.read_bytes())
    vocabulary = dict(document["model"]["vocab"])
    added = {token["content"]: token for token in document["added_tokens"]}
    vocabulary |= {text: token["id"] for text, token in added.items()}
    tokens = sorted(vocabulary, key=lambda text: vocabulary[text])
    kinds = [1] * len(tokens)
    for token in added.values():
        kinds[token["id"]] = 3 if token["special"] else 4
    merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in document["model"]["merges"]]
    metadata: dict[str, Any] = {"tokenizer.ggml.model": kind, "tokenizer.ggml.tokens": tokens}
    if kind == "llama":
        kinds = [6 if text.startswith("<0x") else kind for text, kind in zip(tokens, kinds, strict=True)]
        kinds[0] = 2
        ranks: dict[str, int] = {}
        for left, right in merges:
            ranks.setdefault(left + right, len(ranks))
        metadata["tokenizer.ggml.scores"] = [-float(ranks.get(text, 10**6)) for text in tokens]
    else:
        metadata["tokenizer.ggml.merges"] = [" ".join(pair) for pair in merges]
        metadata["tokenizer.ggml.pre"] = folder
    metadata["tokenizer.ggml.token_type"] = kinds
    return metadata, tokenizers.Tokenizer.from_file(str(path))


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize(("folder", "kind"), [("phi-2", "gpt2"), ("phi-3", "llama")])
def test_texts_become_the_tokens_of_the_published_tokenizer(folder: str, kind: str) -> None:
    metadata, published = metadata_of(folder, kind)
    ours = tokenizers.Tokenizer.from_str(tokenizer_json(metadata).decode())
    for text in TEXTS:
        expected = published.encode(text, add_special_tokens=False).ids
        assert ours.encode(text, add_special_tokens=False).ids == expected, text
        assert ours.decode(expected, skip_special_tokens=False) == published.decode(expected, skip_special_tokens=False)


@pytest.mark.parametrize("cut", ["gpt-2", "phi-2", "smollm", "llama-bpe", "qwen2"])
def test_every_known_cut_is_a_tokenizer_the_engine_can_read(cut: str) -> None:
    data = tokenizer_json({**SMALL, "tokenizer.ggml.pre": cut})
    assert tokenizers.Tokenizer.from_str(data.decode()).encode("abba<|end|>").ids == [3, 2, 1, 0]
    facts = read_tokenizer(data, [])
    assert (facts.size, dict(facts.special)) == (4, {"<|end|>": 0})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tokenizer.ggml.pre": "viking"}, "'gpt2' that cuts text like 'viking'"),
        ({"tokenizer.ggml.model": "t5"}, "'t5'"),
        ({"tokenizer.ggml.model": None}, "None"),
    ],
)
def test_an_unknown_kind_names_the_way_out(change: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedOperator, match=named) as raised:
        tokenizer_json({**SMALL, **change})
    assert "tokenizer.json beside" in raised.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [("tokens", None), ("tokens", [1]), ("merges", "a b"), ("token_type", [3, 1]), ("token_type", "x")],
)
def test_damaged_lists_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(BadCheckpoint, match=rf"tokenizer\.ggml\.{key}"):
        tokenizer_json({**SMALL, f"tokenizer.ggml.{key}": value})


def test_special_tokens_and_ends_come_from_their_ids() -> None:
    metadata = {
        **SMALL,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 99,
        "tokenizer.ggml.eot_token_id": 2,
    }
    assert tokenizer_config(metadata) == {"bos_token": "<|end|>", "add_bos_token": False}
    assert tokenizer_config({**metadata, "tokenizer.ggml.add_bos_token": True})["add_bos_token"] is True
    assert generation_config(metadata) == {"eos_token_id": [2, 99]}
