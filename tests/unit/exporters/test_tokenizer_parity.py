"""A compiled tokenizer encodes, decodes and streams as `transformers` does, on several hundred texts.

The references are digests that tests/references/chats.py made with transformers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.prompt import ChatTemplate
from edgeslm_agent.engine.streaming import StreamDecoder
from edgeslm_agent.engine.tokenizer import FastTokenizer
from edgeslm_exporters.chat_template import compile_template
from edgeslm_exporters.tokenizer_file import compile_tokenizer
from support.conversations import SHARED, short_digest
from support.texts import TEXTS, random_ids
from support.tokenizer_references import WHOLE, TokenizerReference, read_tokenizer_references, tokenizer_folders

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("home", "shared-phi-2", "shared-phi-3")


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    found = str(request.param)
    if found not in tokenizer_folders():
        pytest.skip(f"{SHARED} is absent: published tokenizers are not part of the repository")
    return found


@pytest.fixture(scope="module")
def tokenizer(name: str, tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    folder = tokenizer_folders()[name]
    model = (
        json.loads((folder / "config.json").read_bytes())["model_type"] if (folder / "config.json").is_file() else ""
    )
    file = tmp_path_factory.mktemp(name) / "tokenizer.json"
    file.write_bytes(compile_tokenizer((folder / "tokenizer.json").read_bytes(), config_of(folder), model))
    return FastTokenizer(file)


@pytest.fixture(scope="module")
def reference(name: str) -> TokenizerReference:
    return read_tokenizer_references()[name]


def config_of(folder: Path) -> dict[str, object]:
    """Return the tokenizer_config.json of a folder."""
    found: dict[str, object] = json.loads((folder / "tokenizer_config.json").read_bytes())
    return found


def test_texts_get_the_ids_of_transformers(tokenizer: FastTokenizer, reference: TokenizerReference) -> None:
    ids = [tokenizer.encode(text) for text in TEXTS]
    assert ids[:: len(ids) // WHOLE][:WHOLE] == reference["whole"]
    assert wrong(ids, reference["ids"]) == []


def test_ids_get_the_texts_of_transformers_whole_and_streamed(
    tokenizer: FastTokenizer, reference: TokenizerReference
) -> None:
    size = tokenizer._tokenizer.get_vocab_size(with_added_tokens=True)
    said = random_ids(size, frozenset(tokenizer.special_tokens.values()))
    ids = [*map(tokenizer.encode, TEXTS), *said]
    texts = [tokenizer.decode(found) for found in ids]
    assert [text for text, digest in zip(texts, reference["texts"], strict=True) if short_digest(text) != digest] == []
    assert [streamed(tokenizer, found) for found in ids] == texts


def test_chats_get_the_ids_of_transformers(name: str, tokenizer: FastTokenizer, reference: TokenizerReference) -> None:
    config = config_of(tokenizer_folders()[name])
    template = config.get("chat_template")
    if not isinstance(template, str):
        assert reference["chats"] == []  # this checkpoint has no template, so there is nothing to compare
        return
    chat = ChatTemplate(compile_template(template, config))
    for special, digests in ((True, reference["chats"]), (False, reference["plain_chats"])):
        options = Generation(special_tokens=special)
        ids = [chat.encode([{"role": "user", "content": text}], options, tokenizer) for text in TEXTS]
        assert wrong(ids, digests) == []


def streamed(tokenizer: FastTokenizer, ids: list[int]) -> str:
    """Return the text of ids that come one by one."""
    stream = StreamDecoder(tokenizer)
    return "".join([*map(stream.push, ids), stream.finish()])


def wrong(ids: list[list[int]], digests: list[str]) -> list[str]:
    """Return the texts whose ids are not those of the reference."""
    return [text for text, found, digest in zip(TEXTS, ids, digests, strict=True) if short_digest(str(found)) != digest]
