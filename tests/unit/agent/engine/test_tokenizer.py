"""Text to ids and back, and text as it streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models

from edgeslm_agent.engine import tokenizer as module
from edgeslm_agent.engine.tokenizer import FastTokenizer, StreamDecoder
from edgeslm_agent.errors import Corrupt, MissingExtra
from support.toy_graph import BOS, EOS, write_toy_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    write_toy_tokenizer(file)
    return FastTokenizer(file)


def streamed(tokenizer: FastTokenizer, ids: list[int]) -> list[str]:
    stream = StreamDecoder(tokenizer.decode)
    return [stream.push(token) for token in ids]


def test_text_survives_the_round_trip(toy: FastTokenizer) -> None:
    text = "Grüße, 世界 👋🏽"
    assert toy.encode(text) == list(text.encode())
    assert toy.decode(toy.encode(text)) == text


def test_special_tokens_are_read_but_neither_added_nor_written(toy: FastTokenizer) -> None:
    assert toy.encode("<s>hi</s>") == [BOS, *b"hi", EOS]
    assert toy.decode([BOS, *b"hi", EOS]) == "hi"


@given(st.text(max_size=30))
def test_streamed_text_is_the_text_and_never_half_a_character(toy: FastTokenizer, text: str) -> None:
    parts = streamed(toy, toy.encode(text))
    assert "".join(parts) == text
    assert not any("\ufffd" in part for part in parts if "\ufffd" not in text)


def test_a_character_comes_with_its_last_byte(toy: FastTokenizer) -> None:
    assert streamed(toy, list("é👋".encode())) == ["", "é", "", "", "", "👋"]


def test_an_incomplete_character_at_the_end_is_not_written(toy: FastTokenizer) -> None:
    assert "".join(streamed(toy, list("a👋".encode())[:-1])) == "a"


def test_bytes_that_are_no_character_hold_the_stream_up_for_four_tokens_only(toy: FastTokenizer) -> None:
    parts = streamed(toy, [0xFF] * 4 + list(b"ok"))
    assert parts[:3] == [""] * 3
    assert parts[3:] == ["\ufffd" * 4, "o", "k"]


def test_special_tokens_in_the_middle_say_nothing(toy: FastTokenizer) -> None:
    assert streamed(toy, [*b"a", EOS, EOS, *b"b"]) == ["a", "", "", "b"]


def test_words_of_a_sentencepiece_vocabulary_keep_their_spaces(tmp_path: Path) -> None:
    words = {"▁hello": 0, "▁big": 1, "▁world": 2, "ly": 3, "<unk>": 4, "<end>": 5}
    tokenizer = Tokenizer(models.WordLevel(words, "<unk>"))
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<end>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert streamed(FastTokenizer(tmp_path / "tokenizer.json"), [0, 1, 3, 5, 2]) == [
        "hello",
        " big",
        "ly",
        "",
        " world",
    ]


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
