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
SEQ2SEQ = ("t5",)  # model types that have a decoder too, of which nothing is exported
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
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory(prefix="edgeslm-optimum-") as out, _quiet():
        try:
            main_export(
                str(folder),
                output=Path(out),
                task="text2text-generation" if model_type in SEQ2SEQ else TASKS[task],  # the former: two files
                opset=OPSET,
                library_name="transformers",  # sentence-transformers' own modules are our business
                no_post_process=True,
                do_validation=False,  # held against transformers by tests/encoders
                local_files_only=True,
            )
        except (ValueError, KeyError, NotImplementedError, RuntimeError) as error:  # what its model table raises
            raise UnsupportedArchitecture(
                f"optimum cannot export {model_type}: {error}", "take another model, or another version of optimum"
            ) from error
        return onnx.load(Path(out) / ("encoder_model.onnx" if model_type in SEQ2SEQ else "model.onnx"))


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
