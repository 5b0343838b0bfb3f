"""Every checkpoint case that has a reference: one file a group of families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cases.gemma import GEMMA_CASES
from support.cases.gpt import GPT_CASES
from support.cases.llama import LLAMA_CASES
from support.cases.mistral import MISTRAL_CASES
from support.cases.phi import PHI_CASES
from support.cases.qwen import QWEN_CASES

if TYPE_CHECKING:
    from support.cases.case import Case

CASES: tuple[Case, ...] = (*LLAMA_CASES, *MISTRAL_CASES, *QWEN_CASES, *PHI_CASES, *GEMMA_CASES, *GPT_CASES)


def case_named(name: str) -> Case:
    """Return the case called `name`."""
    return next(case for case in CASES if case.name == name)
