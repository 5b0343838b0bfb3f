"""`edgeslm adopt FILE`: make a bundle of a decoder that another tool wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.cli import output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

EPILOG = """\
FILE is a .tflite with the signatures that litert-torch writes (`prefill_N` and `decode`), or a .litertlm around one. It
is taken as it is: nothing is quantised, and without its checkpoint nothing can be compared with fp32. What must agree
is its answer in chunks and its answer token by token.
examples:
  edgeslm adopt smollm2.litertlm -o smollm2-bundle
  edgeslm adopt model.tflite --tokenizer ./SmolLM2-135M"""


def configure(parser: ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--tokenizer", type=Path, metavar="DIR", help="where tokenizer.json and the files beside it are (for a .tflite)"
    )
    parser.add_argument("-o", dest="out", type=Path, metavar="DIR", help="where to write (default: the variant's name)")
    parser.add_argument("--force", action="store_true", help="replace another bundle in that folder")


def run(options: Namespace) -> int:
    """Adopt and say what the bundle is."""
    from edgeslm.adopt import adopt

    bundle = adopt(options.file, tokenizer=options.tokenizer, out=options.out, force=options.force)
    if options.json:
        body = {"variant": bundle.manifest.variant, "path": str(bundle.path), "id": bundle.bundle_id}
        output.document("edgeslm.adopt/1", {**body, "bytes": bundle.total_bytes})
    else:
        output.result(f"bundle {bundle.path} ({bundle.total_bytes} bytes), id {bundle.bundle_id[:16]}")
    return 0
