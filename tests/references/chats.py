"""What `transformers` makes of chat templates and texts: the references of test_chat_parity.py, as digests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from references.oracle import DisagreementError
from support.conversations import MOMENT, TEMPLATES, cases, families, shared_families, short_digest
from support.texts import TEXTS, random_ids
from support.tokenizer_references import REFERENCES, WHOLE, TokenizerReference, tokenizer_folders

if TYPE_CHECKING:
    from pathlib import Path


class _Clock:
    """The time at which templates that print one are rendered."""

    @staticmethod
    def now() -> Any:  # noqa: ANN401  # stands in for datetime
        return MOMENT


def settle_chats(write: bool) -> str:  # a Subject of make.py
    """Render every conversation with every family's template; write or compare the digests."""
    chat_template_utils.datetime = _Clock
    fresh = {name: _rendered(*family) for name, family in {**families(), **shared_families()}.items()}
    return _settle(TEMPLATES / "chats.json", fresh, write=write)


def settle_tokenizers(write: bool) -> str:  # a Subject of make.py
    """Encode and decode every text with every tokenizer; write or compare the digests."""
    fresh = {name: _tokenized(folder) for name, folder in tokenizer_folders().items()}
    return _settle(REFERENCES, fresh, write=write)


def _settle(file: Path, fresh: dict[str, Any], *, write: bool) -> str:
    """What stands in the file and cannot be made here (its data is absent) stays as it is."""
    committed = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if write:
        lines = ",\n".join(
            f"{json.dumps(name)}: {json.dumps(found)}" for name, found in sorted({**committed, **fresh}.items())
        )
        file.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    elif changed := [name for name, found in fresh.items() if committed.get(name) != found]:
        raise DisagreementError(f"{', '.join(changed)} changed; run make.py --write")
    absent = sorted(committed.keys() - fresh.keys())
    return f"{len(fresh)} families" + (f", not remade here: {', '.join(absent)}" if absent else "")


def _rendered(template: str, tokens: dict[str, str]) -> dict[str, str]:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"?": 0}, "?")), **tokens)

    def said(messages: list[dict[str, str]], variables: dict[str, Any]) -> str | None:
        try:
            return str(tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **variables))
        except Exception:  # noqa: BLE001  # whatever Jinja raises: the template refuses
            return None

    return {case.name: short_digest(said(case.messages, case.variables)) for case in cases()}


def _tokenized(folder: Path) -> TokenizerReference:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    special = frozenset(index for index, token in tokenizer.added_tokens_decoder.items() if token.special)
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    said = random_ids(len(tokenizer), special)
    asked = TEXTS if tokenizer.chat_template else ()
    return {
        "ids": [short_digest(str(found)) for found in ids],
        "texts": [short_digest(tokenizer.decode(found, skip_special_tokens=True)) for found in [*ids, *said]],
        "whole": ids[:: len(ids) // WHOLE][:WHOLE],
        "chats": [short_digest(str(_chat_ids(tokenizer, text, plain=False))) for text in asked],
        "plain_chats": [short_digest(str(_chat_ids(tokenizer, text, plain=True))) for text in asked],
    }


def _chat_ids(tokenizer: Any, text: str, *, plain: bool) -> list[int]:  # noqa: ANN401  # transformers is not typed
    found = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, sanitize_control_tokens=plain
    )
    return list(map(int, found["input_ids"]))
