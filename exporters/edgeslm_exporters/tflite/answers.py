"""Runs a written decoder for a few answers: the graph alone, with 20 MB less than a session of a 135M decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.litert import LitertRuntime
from edgeslm_agent.host import read_host
from edgeslm_exporters.tflite.layout import FILE_NAME, SCORE_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgeslm_exporters.tflite.layout import Layout


def last_logits(places: Layout, folder: Path, prompts: Sequence[Sequence[int]]) -> Iterator[NDArray[np.float32]]:
    """Yield the logits [vocab] that follow each prompt, read from the file in `folder` as a session reads it.

    Raises what opening the runtime raises (engine/runtime/litert.py).
    """
    runtime = LitertRuntime(
        folder / FILE_NAME,
        places.decoder_shape(FILE_NAME),
        min_version=places.runtime.min_version,
        threads=read_host().default_threads,
        prefill_rows=SCORE_ROWS,
        score_rows=SCORE_ROWS,
    )
    try:
        for prompt in prompts:
            yield runtime.prefill(prompt, 0)
    finally:
        runtime.close()
