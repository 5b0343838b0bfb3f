"""The float graph of an encoder, traced by optimum; the only file that imports optimum.

optimum runs the model in torch and records what it computes, so a model_type it knows needs no description of ours. It
is asked for opset 18 (LayerNormalization is one operator from 17 on) and for the bare model: pooling and scores are
added by `encoder/head.py`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.errors import MissingExtra, UnsupportedArchitecture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import ModelProto

    from edgeslm_agent.contract.manifest import Task

OPSET = 18
GRAPH = "model.onnx"
TASKS: dict[Task, str] = {"embed": "feature-extraction", "classify": "text-classification"}  # in optimum's words
PACKAGES = ("optimum", "torch", "transformers")


def require_optimum() -> None:
    """Raise MissingExtra unless the packages of the extra are installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing or find_spec("optimum.exporters.onnx") is None:
        raise MissingExtra(
            f"an encoder is exported through optimum; not installed: {', '.join(missing or ['optimum-onnx'])}",
            "pip install 'edgeslm[optimum]' (torch's build for the processor alone is enough)",
        )


def float_graph(folder: Path, model_type: str, task: Task) -> ModelProto:
    """Trace the checkpoint in `folder` and return its fp32 graph, weights inside.

    Its output is `last_hidden_state` [batch, length, hidden], or `logits` [batch, labels] for the task classify.
    Raises MissingExtra without optimum, UnsupportedArchitecture when optimum cannot export the model.
    """
    require_optimum()
    import onnx

    trace = _trace_t5 if model_type == "t5" else _trace
    with tempfile.TemporaryDirectory(prefix="edgeslm-optimum-") as out, _quiet():
        try:
            trace(folder, task, Path(out))
        except (ValueError, KeyError, NotImplementedError, RuntimeError) as error:  # what its model table raises
            raise UnsupportedArchitecture(
                f"optimum cannot export {model_type}: {error}", "take another model, or another version of optimum"
            ) from error
        return onnx.load(Path(out) / GRAPH)


def _trace(folder: Path, task: Task, out: Path) -> None:
    from optimum.exporters.onnx import main_export

    main_export(
        str(folder),
        output=out,
        task=TASKS[task],
        opset=OPSET,
        library_name="transformers",  # sentence-transformers' own modules are our business
        no_post_process=True,
        do_validation=False,  # `make encoders` holds the result against transformers
        local_files_only=True,
    )


def _trace_t5(folder: Path, _task: Task, out: Path) -> None:
    """Trace the encoder of a T5 alone: main_export would load a decoder, and split by a flag that some files lack."""
    from optimum.exporters.onnx import export
    from optimum.exporters.onnx.model_configs import T5OnnxConfig
    from transformers import T5EncoderModel

    model = T5EncoderModel.from_pretrained(str(folder), local_files_only=True).eval()
    config = T5OnnxConfig(model.config, task=TASKS["embed"]).with_behavior("encoder")
    export(model=model, config=config, output=out / GRAPH, opset=OPSET)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep tracer warnings and progress lines off the terminal, and everything off stdout, which is for results."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        before = logging.root.manager.disable
        stack.callback(logging.disable, before)
        logging.disable(logging.WARNING)
        yield
