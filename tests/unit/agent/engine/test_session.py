"""A session's behaviour, on a runtime that says what the test wrote down."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.contract.manifest import Limits
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.session import Session
from edgeslm_agent.engine.tokenizer import FastTokenizer
from edgeslm_agent.errors import EdgeSLMError, Incompatible, UsageError
from support.scripted_runtime import ScriptedRuntime
from support.toy_graph import BOS, EOS, toy_manifest, write_toy_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

USER, BOT = 258, 259


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    file: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    write_toy_tokenizer(file)
    return FastTokenizer(file)


@pytest.fixture
def runtime() -> ScriptedRuntime:
    return ScriptedRuntime([*b"on", EOS])


def session(runtime: ScriptedRuntime, tokenizer: FastTokenizer, **changes: object) -> Session:
    manifest = replace(toy_manifest(context=runtime.context), **changes)  # type: ignore[arg-type]  # the test's fields
    return Session(manifest, runtime, tokenizer)


def test_an_answer_ends_at_the_stop_token_which_is_no_part_of_it(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    answer = session(runtime, tokenizer).complete("light")
    assert (answer.text, answer.token_ids, answer.stop_reason) == ("on", tuple(b"on"), "stop")


def test_a_text_is_wrapped_in_the_chat_format_after_the_first_token(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    session(runtime, tokenizer).complete("hi")
    assert runtime.calls[0] == ("prefill", (BOS, USER, *b"hi", BOT), 0)


def test_a_conversation_is_rendered_whole(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    turns = [("user", "a"), ("assistant", "b"), ("user", "c")]
    session(runtime, tokenizer).complete([{"role": role, "content": text} for role, text in turns])
    assert runtime.calls[0][1] == (BOS, USER, *b"a", BOT, *b"b", USER, *b"c", BOT)


def test_a_conversation_without_a_chat_format_is_incompatible(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    with pytest.raises(Incompatible, match="no chat format"):
        session(runtime, tokenizer, chat=None).complete([{"role": "user", "content": "hi"}])


def test_a_prompt_with_the_beginning_of_an_answer_is_encoded_as_one_text(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    engine = session(runtime, tokenizer)
    assert engine.encode_prompt("hi", answer="ok") == [BOS, USER, *b"hi", BOT, *b"ok"]
    assert engine.encode_prompt("hi", Generation(chat=False), answer="ok") == [BOS, *b"hiok"]


def test_an_answer_ends_before_a_stop_text_that_several_tokens_spell(tokenizer: FastTokenizer) -> None:
    runtime = ScriptedRuntime([*b"yes\nUser: no", EOS])
    answer = session(runtime, tokenizer).complete("hi", Generation(stop=("\nUser:", "never")))
    assert (answer.text, answer.stop_reason) == ("yes", "stop")
    assert answer.token_ids == tuple(b"yes\nUser:")
    assert len(runtime.calls) == len(b"yes\nUser:")  # nothing is computed after it


def test_the_beginning_of_a_stop_text_is_said_when_nothing_comes_of_it(tokenizer: FastTokenizer) -> None:
    runtime = ScriptedRuntime([*b"a\nUs", EOS])
    tokens = list(session(runtime, tokenizer).generate("hi", Generation(stop=("\nUser:",))))
    assert "".join(token.text for token in tokens) == "a\nUs"
    assert bytes(token.id for token in tokens) == b"a\nUs"


def test_ignore_stop_goes_on_past_a_stop_text(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    answer = session(runtime, tokenizer).complete("hi", Generation(stop=("o",), max_tokens=4, ignore_stop=True))
    assert (answer.token_ids, answer.stop_reason) == ((*b"on", EOS, *b"o"), "length")


def test_a_character_cut_off_by_the_length_is_written_as_unreadable(tokenizer: FastTokenizer) -> None:
    runtime = ScriptedRuntime("a👋".encode())
    answer = session(runtime, tokenizer).complete("hi", Generation(max_tokens=3))
    assert answer.text == "a\ufffd" == tokenizer.decode(answer.token_ids)


def test_without_chat_or_without_a_format_a_text_is_taken_as_it_is(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    session(runtime, tokenizer).complete("hi", Generation(chat=False))
    session(runtime, tokenizer, chat=None, bos_token_id=None).complete("hi")
    prefills = [ids for kind, ids, _ in runtime.calls if kind == "prefill"]
    assert prefills == [(BOS, *b"hi"), tuple(b"hi")]


def test_the_first_token_is_never_doubled(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    assert session(runtime, tokenizer).encode("<s>hi") == [BOS, *b"hi"]


def test_ids_are_taken_as_they_are(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    session(runtime, tokenizer).complete(np.array([5, 6]).tolist())
    assert runtime.calls[0] == ("prefill", (5, 6), 0)


def test_each_token_is_read_at_its_place(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    session(runtime, tokenizer).complete([1, 2, 3])
    assert runtime.calls[1:] == [("step", (ord("o"),), 3), ("step", (ord("n"),), 4)]


def test_chat_needs_a_chat_format(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    assert session(runtime, tokenizer).chat("hi").text == "on"
    assert runtime.calls[0][1] == (BOS, USER, *b"hi", BOT)
    with pytest.raises(Incompatible, match="no chat format"):
        session(runtime, tokenizer, chat=None).chat("hi")


def test_an_answer_stops_at_the_asked_length(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    answer = session(runtime, tokenizer).complete("hi", Generation(max_tokens=1))
    assert (answer.text, answer.stop_reason) == ("o", "length")
    assert len(runtime.calls) == 1  # nothing is computed that nobody reads


def test_the_bundle_bounds_the_length_too(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    limited = session(runtime, tokenizer, limits=Limits(max_prompt_tokens=64, max_tokens=5))
    answer = limited.complete("hi", Generation(max_tokens=50, ignore_stop=True))
    assert (len(answer.token_ids), answer.stop_reason) == (5, "length")


def test_an_answer_stops_where_the_context_ends(tokenizer: FastTokenizer) -> None:
    runtime = ScriptedRuntime(b"abc", context=10)
    answer = session(runtime, tokenizer).complete([1] * 8)
    assert (answer.text, answer.stop_reason) == ("abc", "context")  # two are kept in the cache, one more is said
    assert max(past for _, _, past in runtime.calls) == 9


def test_a_prompt_may_fill_the_context(tokenizer: FastTokenizer) -> None:
    answer = session(ScriptedRuntime(b"a", context=10), tokenizer).complete([1] * 10)
    assert (answer.text, answer.stop_reason, answer.figures.decode_tps) == ("a", "context", None)


def test_a_longer_prompt_is_incompatible_with_a_remedy_and_at_once(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    with pytest.raises(Incompatible, match=r"65 tokens do not fit: .* takes up to 64") as caught:
        session(runtime, tokenizer).generate([1] * 65)
    assert "--context" in caught.value.hint
    assert runtime.calls == []


@pytest.mark.parametrize("prompt", ["", []])
def test_an_empty_prompt_is_a_usage_error(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer, prompt: str | list[int]
) -> None:
    with pytest.raises(UsageError, match="empty"):
        session(runtime, tokenizer, chat=None, bos_token_id=None).generate(prompt)


@pytest.mark.parametrize("token", [-1, 260])
def test_an_id_outside_the_vocabulary_is_a_usage_error(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer, token: int
) -> None:
    with pytest.raises(UsageError, match="outside the vocabulary of 260"):
        session(runtime, tokenizer).generate([1, token])


def test_streamed_texts_join_to_the_answer(tokenizer: FastTokenizer) -> None:
    runtime = ScriptedRuntime([*"è 👋 ok".encode(), EOS])
    tokens = list(session(runtime, tokenizer).generate("hi"))
    assert "".join(token.text for token in tokens) == "è 👋 ok"
    assert bytes(token.id for token in tokens).decode() == "è 👋 ok"
    assert session(runtime, tokenizer).complete("hi").text == "è 👋 ok"


def test_a_token_is_given_before_the_next_is_computed(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    tokens = session(runtime, tokenizer).generate("hi")
    assert next(tokens).text == "o"
    assert len(runtime.calls) == 1


def test_figures_count_what_was_read_and_said(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    figures = session(runtime, tokenizer).complete([1, 2, 3]).figures
    assert (figures.prompt_tokens, figures.completion_tokens) == (3, 2)
    assert figures.first_token_s > 0
    assert figures.prefill_tps > 0
    assert figures.decode_tps is not None
    assert figures.decode_tps > 0


def test_scores_come_in_chunks_and_whole(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    ids = list(range(10))
    starts = [(start, len(rows)) for start, rows in session(runtime, tokenizer).score_chunks(ids)]
    assert starts == [(0, 4), (4, 4), (8, 2)]
    scores = session(runtime, tokenizer).score(ids)
    assert scores.shape == (10, 260)
    assert scores.dtype == np.float32
    assert (scores.argmax(1) == ids).all()


def test_scoring_more_than_the_context_is_incompatible_at_once(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    with pytest.raises(Incompatible, match="65 tokens do not fit"):
        session(runtime, tokenizer).score_chunks([1] * 65)


def test_an_abandoned_answer_gives_its_turn_back(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    engine = session(runtime, tokenizer)
    for _token in engine.generate("hi"):
        break
    next(engine.score_chunks([1, 2, 3, 4, 5]))
    assert engine.complete("hi").text == "on"


def test_an_unfinished_answer_of_the_same_thread_is_an_error_and_not_a_deadlock(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    engine = session(runtime, tokenizer)
    tokens = engine.generate("hi")
    next(tokens)
    with pytest.raises(EdgeSLMError, match="unfinished"):
        engine.complete("hi")
    assert [token.text for token in tokens] == ["n"]
    assert engine.complete("hi").text == "on"


def test_requests_of_other_threads_wait_for_their_turn(runtime: ScriptedRuntime, tokenizer: FastTokenizer) -> None:
    engine = session(runtime, tokenizer)
    tokens = engine.generate("hi")
    next(tokens)
    answers: list[str] = []
    others = [threading.Thread(target=lambda: answers.append(engine.complete("hi").text)) for _ in range(4)]
    for other in others:
        other.start()
    assert len(runtime.calls) == 1
    assert [token.text for token in tokens] == ["n"]
    for other in others:
        other.join()
    assert answers == ["on"] * 4
    assert [kind for kind, _, _ in runtime.calls] == ["prefill", "step", "step"] * 5


def test_a_session_closes_once_its_block_is_left_even_by_an_error(
    runtime: ScriptedRuntime, tokenizer: FastTokenizer
) -> None:
    with pytest.raises(KeyError, match="mine"), session(runtime, tokenizer) as engine:  # noqa: PT012  # the loop matters
        for _token in engine.generate("hi"):
            raise KeyError("mine")
    assert runtime.closed == 1
