"""Text to ids and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tokenizers import Tokenizer

from edgeslm_agent.engine import tokenizer as module
from edgeslm_agent.engine.tokenizer import FastTokenizer
from edgeslm_agent.errors import Corrupt, MissingExtra
from support.toy_graph import BOS, EOS, write_toy_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    write_toy_tokenizer(file)
    return FastTokenizer(file)


def test_text_survives_the_round_trip(toy: FastTokenizer) -> None:
    text = "Grüße, 世界 👋🏽"
    assert toy.encode(text) == list(text.encode())
    assert toy.decode(toy.encode(text)) == text


def test_special_tokens_are_read_but_neither_added_nor_written(toy: FastTokenizer) -> None:
    assert toy.encode("<s>hi</s>") == [BOS, *b"hi", EOS]
    assert toy.decode([BOS, *b"hi", EOS]) == "hi"


def test_special_tokens_are_plain_characters_where_asked(toy: FastTokenizer) -> None:
    assert toy.encode_plain("<s>hi") == list(b"<s>hi")
    assert toy.encode("<s>hi") == [BOS, *b"hi"]


def test_special_tokens_are_known_by_their_text(toy: FastTokenizer) -> None:
    assert toy.special_tokens == {"<s>": BOS, "</s>": EOS, "<user>": 258, "<bot>": 259}


def test_truncation_and_padding_of_the_file_are_off(tmp_path: Path) -> None:
    write_toy_tokenizer(tmp_path / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert FastTokenizer(tmp_path / "tokenizer.json").encode("hello") == list(b"hello")


@pytest.mark.parametrize("text", ["", "{}", '{"model": {"type": "BPE"}}', "not json"])
def test_a_file_that_is_no_tokenizer_is_corrupt_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(Corrupt, match=r"tokenizer\.json"):
        FastTokenizer(tmp_path / "tokenizer.json")


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra) as caught:
        FastTokenizer(tmp_path / "tokenizer.json")
    assert caught.value.hint == 'pip install "edgeslm[ort]"'
