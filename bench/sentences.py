"""200 varied sentences of our own: free household commands, English prose, questions and orders from the templates."""

from __future__ import annotations

from edgeslm import builtin
from edgeslm.profiler.dataset import default_text, read_tasks
from edgeslm.profiler.encoder_quality import texts_of

COUNT = 200
TEMPLATE_STEP = 50


def sentences() -> tuple[str, ...]:
    """Return the sentences, always the same."""
    free = [task.prompt for task in read_tasks(builtin.tasks("free")).tasks]
    templates = [task.prompt for task in read_tasks(builtin.tasks("templates")).tasks][::TEMPLATE_STEP]
    found = tuple(dict.fromkeys([*free, *texts_of(default_text()), *templates]))[:COUNT]
    assert len(found) == COUNT
    return found
