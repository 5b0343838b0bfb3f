"""Runs an encoder graph with onnxruntime: ids in, one vector out. Nothing is kept between two texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.contract.manifest import OUTPUTS
from edgeslm_agent.engine.runtime.onnx import check_version, load_onnxruntime, open_session, translated
from edgeslm_agent.engine.runtime.pages import release_pages
from edgeslm_agent.errors import EdgeSLMError, Incompatible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from edgeslm_agent.contract.manifest import EncoderShape

# Products of uint8 activations and int8 weights saturate 16 bits on x86 without VNNI; this makes onnxruntime take its
# slower exact kernel there, and changes nothing elsewhere (onnxruntime_session_options_config_keys.h).
EXACT_INT8 = {"session.x64quantprecision": "1"}


class OnnxEncoder:
    """An encoder graph in an onnxruntime session of its own."""

    def __init__(self, graph: Path, shape: EncoderShape, *, min_version: str, threads: int) -> None:
        """Load `graph`.

        Raises MissingExtra without onnxruntime, Corrupt for a broken file, Incompatible for a graph that this version
        cannot run or that is not the manifest's, EnvironmentProblem when memory does not suffice.
        """
        ort = load_onnxruntime()
        check_version(ort.__version__, min_version)
        self._shape = shape
        self._session: InferenceSession | None = open_session(ort, graph, threads, EXACT_INT8)
        self._check_io(self._session)
        release_pages(graph.resolve().with_name(f"{graph.name}.data"))

    def run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the output float32 [width] for one text's ids."""
        if self._session is None:
            raise EdgeSLMError("the session is closed", "open the bundle again")
        try:
            (output,) = self._session.run([OUTPUTS[self._shape.task]], self._feeds(ids))
        except Exception as error:  # the runtime's exceptions share no base class below this
            raise translated(error, f"the graph failed on {len(ids)} tokens") from error
        vector: NDArray[np.float32] = output[0]
        return vector

    def close(self) -> None:
        """Drop the session."""
        self._session = None

    def _feeds(self, ids: Sequence[int]) -> dict[str, NDArray[np.int64]]:
        row = np.array([ids], np.int64)
        known = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        return {name: known[name] for name in self._shape.inputs}

    def _check_io(self, session: InferenceSession) -> None:
        found = {node.name for node in session.get_inputs()} | {node.name for node in session.get_outputs()}
        wanted = {*self._shape.inputs, OUTPUTS[self._shape.task]}
        if found != wanted:
            raise Incompatible(
                f"the graph's inputs and outputs are not those of the manifest: {', '.join(sorted(found ^ wanted))}",
                "export the bundle again",
            )
