"""Text as it streams: the same as when it is decoded whole, and cut at the first stop string."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.engine.generation import Token
from edgeslm_agent.engine.streaming import StopFinder, StreamDecoder, TokenStream
from edgeslm_agent.engine.tokenizer import FastTokenizer
from support.toy_graph import EOS, write_toy_tokenizer
from support.toy_tokenizers import MAKERS, toy_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

STOPPING = st.text("ab\n:", min_size=1, max_size=4)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    write_toy_tokenizer(file)
    return FastTokenizer(file)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastTokenizer]:
    folder = tmp_path_factory.mktemp("tokenizers")
    return {name: toy_tokenizer(name, folder) for name in MAKERS}


def streamed(tokenizer: FastTokenizer, ids: Sequence[int]) -> list[str]:
    """Return what each token made readable, and last what `finish` did."""
    stream = StreamDecoder(tokenizer)
    return [*(stream.push(token) for token in ids), stream.finish()]


def generated(tokenizer: FastTokenizer, ids: Sequence[int], stops: Sequence[str]) -> tuple[list[Token], bool]:
    """Return the tokens of a whole answer, as a session would give them, and whether a stop string ended it."""
    stream = TokenStream(tokenizer, stops)
    tokens: list[Token] = []
    for token in ids:
        tokens += stream.push(token)
        if stream.stopped:
            break
    return tokens + stream.finish(), stream.stopped


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_streamed_text_is_the_text_whatever_the_model_says(
    tokenizers: dict[str, FastTokenizer], name: str, data: st.DataObject
) -> None:
    tokenizer = tokenizers[name]
    size = max(tokenizer.special_tokens.values()) + 1
    ids = data.draw(st.lists(st.integers(0, size + 2), max_size=20))  # models have ids beyond their vocabulary
    assert "".join(streamed(tokenizer, ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize("name", ["byte-level", "byte-fallback", "byte-fallback-no-prefix"])
@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=20))
def test_streamed_text_is_what_was_encoded_and_never_half_a_character(
    tokenizers: dict[str, FastTokenizer], name: str, text: str
) -> None:
    ids = tokenizers[name].encode_plain(text)
    parts = streamed(tokenizers[name], ids)
    assert "".join(parts) == tokenizers[name].decode(ids)
    assert not any("\ufffd" in part for part in parts if "\ufffd" not in text)


def test_a_character_comes_with_its_last_byte(toy: FastTokenizer) -> None:
    assert streamed(toy, list("é👋".encode())) == ["", "é", "", "", "", "👋", ""]


def test_bytes_that_are_no_character_are_written_once_that_is_certain(toy: FastTokenizer) -> None:
    assert streamed(toy, [0xFF, 0xFF, *b"o", 0xF0]) == ["", "\ufffd", "\ufffdo", "", "\ufffd"]


def test_a_run_of_byte_tokens_waits_for_its_end_since_one_wrong_byte_spoils_all(
    tokenizers: dict[str, FastTokenizer],
) -> None:
    tokenizer = tokenizers["byte-fallback"]
    byte = tokenizer.encode_plain("ሴ")[-3:]  # three bytes of one character
    dot = tokenizer.encode_plain(".")[-1]
    assert all(map(tokenizer.is_byte, byte))
    assert streamed(tokenizer, [*byte, dot]) == ["", "", "", "ሴ.", ""]
    assert streamed(tokenizer, [*byte, byte[0], dot])[-2] == "\ufffd" * 4 + "."


def test_special_tokens_in_the_middle_say_nothing(toy: FastTokenizer) -> None:
    assert streamed(toy, [*b"a", EOS, EOS, *b"b"]) == ["a", "", "", "b", ""]


def test_a_word_keeps_its_space_after_any_number_of_special_tokens(tokenizers: dict[str, FastTokenizer]) -> None:
    tokenizer = tokenizers["metaspace"]
    hello, big = (tokenizer.encode(word)[0] for word in ("▁hello", "▁big"))
    assert streamed(tokenizer, [hello, *[tokenizer.special_tokens["<end>"]] * 20, big])[-2] == " big"


@settings(max_examples=300)
@given(st.lists(st.text("ab\n:", max_size=5), max_size=10), st.lists(STOPPING, max_size=3))
def test_a_stop_string_is_found_wherever_the_text_is_cut(parts: list[str], stops: list[str]) -> None:
    finder, shown = StopFinder(stops), ""
    for part in parts:
        shown += finder.push(part)
        if finder.found:
            break
    shown += finder.finish()
    text = "".join(parts)
    # The first place at which a stop string is complete decides; of several complete there, the one that began first.
    spans = [(place + len(stop), place) for stop in stops if (place := text.find(stop)) >= 0]
    assert finder.found is bool(spans)
    assert shown == (text[: min(spans)[1]] if spans else text)


def test_what_may_begin_a_stop_string_is_held_back_and_no_more() -> None:
    finder = StopFinder(["\nUser:", "END"])
    assert [finder.push(part) for part in ("yes\n", "Us", "ual E", "N", "D of")] == ["yes", "", "\nUsual ", "", ""]
    assert finder.found


@given(st.binary(max_size=12), st.lists(st.text("ab", min_size=1, max_size=2), max_size=2))
def test_every_token_comes_once_and_the_texts_join_to_the_answer(
    toy: FastTokenizer, data: bytes, stops: list[str]
) -> None:
    tokens, stopped = generated(toy, list(data), stops)
    text = "".join(token.text for token in tokens)
    ids = [token.id for token in tokens]
    assert ids == list(data)[: len(ids)]
    if stopped:
        assert toy.decode(ids).startswith(text)
        assert not any(stop in text for stop in stops)
    else:
        assert ids == list(data)
        assert text == toy.decode(ids)


def test_a_token_that_holds_text_back_comes_with_the_next(toy: FastTokenizer) -> None:
    stream = TokenStream(toy, ["\n\n"])
    assert stream.push(ord("a")) == [Token(97, "a")]
    assert stream.push(ord("\n")) == []
    assert stream.push(ord("b")) == [Token(10, ""), Token(98, "\nb")]
    assert stream.push(ord("\n")) == []
    assert stream.finish() == [Token(10, "\n")]
    assert stream.finish() == []
