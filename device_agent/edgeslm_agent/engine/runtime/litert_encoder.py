"""Runs an encoder's signature with LiteRT: ids in, one vector out. The length is fixed: shorter texts are padded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.contract.manifest import OUTPUTS
from edgeslm_agent.engine.runtime.litert import check_litert, open_model, translated
from edgeslm_agent.engine.runtime.pages import release_pages
from edgeslm_agent.engine.runtime.quiet import native_stderr
from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import EdgeSLMError, Incompatible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ai_edge_litert.compiled_model import CompiledModel
    from numpy.typing import NDArray

    from edgeslm_agent.contract.manifest import EncoderShape

SIGNATURE = "encode"
TYPES = {"input_ids": np.int32, "attention_mask": np.float32}


class LitertEncoder:
    """An encoder's file, loaded, with a buffer for each input and the output."""

    def __init__(self, graph: Path, shape: EncoderShape, *, min_version: str, threads: int) -> None:
        """Load `graph`.

        Raises MissingExtra without ai-edge-litert, Corrupt for a broken file, Incompatible for a file that this version
        cannot run or that is not the manifest's, EnvironmentProblem when memory does not suffice.
        """
        check_litert(min_version)
        open_tflite(graph)  # a file cut off would end the process, with SIGBUS, inside the runtime
        self._shape = shape
        self._model: CompiledModel | None = open_model(graph, threads, shared=False)
        self._length = _checked_length(self._model, shape)
        with native_stderr():
            names, output = shape.inputs, OUTPUTS[shape.task]
            self._inputs = {name: self._model.create_input_buffer_by_name(SIGNATURE, name) for name in names}
            self._outputs = {output: self._model.create_output_buffer_by_name(SIGNATURE, output)}
            self._write(())  # the first write makes the runtime look for accelerators, and say so
        release_pages(graph.resolve())

    def run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the output float32 [width] for one text's ids, at most as many as the file reads."""
        if self._model is None:
            raise EdgeSLMError("the session is closed", "open the bundle again")
        if len(ids) > self._length:
            raise Incompatible(f"a text of {len(ids)} tokens, where the file reads {self._length}", "cut the text")
        self._write(ids)
        try:
            self._model.run_by_name(SIGNATURE, self._inputs, self._outputs)
        except RuntimeError as error:
            raise translated(error, f"the graph failed on {len(ids)} tokens") from error
        vector: NDArray[np.float32] = self._outputs[OUTPUTS[self._shape.task]].read(self._shape.width, np.float32)
        return vector

    def _write(self, ids: Sequence[int]) -> None:
        for name, buffer in self._inputs.items():
            row = np.zeros((1, self._length), TYPES[name])
            row[0, : len(ids)] = ids if name == "input_ids" else 1
            buffer.write(row)

    def close(self) -> None:
        """Drop the model and its buffers."""
        with native_stderr():
            self._inputs, self._outputs = {}, {}
            self._model = None


def _checked_length(model: CompiledModel, shape: EncoderShape) -> int:
    """Return how many tokens the file reads.

    Raises Incompatible unless it has the signature with the manifest's inputs and output.
    """
    names = model.get_signature_list().get(SIGNATURE, {"inputs": [], "outputs": []})
    found = {*names["inputs"], *names["outputs"]}
    wanted = {*shape.inputs, OUTPUTS[shape.task]}
    if found != wanted or not wanted >= set(TYPES):
        odd = ", ".join(sorted(found ^ wanted)) or "inputs of another kind"
        raise Incompatible(f"the file's inputs and outputs are not those of the manifest: {odd}", "export it again")
    output = model.get_output_tensor_details(SIGNATURE)[OUTPUTS[shape.task]]["shape"]
    if list(output) != [1, shape.width]:
        raise Incompatible(f"the file gives {list(output)}, the manifest says {shape.width} numbers", "export it again")
    return int(model.get_input_tensor_details(SIGNATURE)["input_ids"]["shape"][1])
