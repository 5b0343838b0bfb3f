"""Our conversion alone: a checkpoint becomes a file, nothing is planned, checked, run or packed.

`python -m bench.sides.convert_side CHECKPOINT OUT CONTEXT RECIPE`: what litert-torch's `export()` does, by our own API.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.export import convert
from edgeslm_exporters.recipe import parse_recipe


def main(checkpoint: Path, out: Path, context: int, recipe: str) -> None:
    """Write OUT/artifacts/model.tflite."""
    out.mkdir()
    convert(open_checkpoint(checkpoint), parse_recipe(recipe), context, out, form="tflite")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
