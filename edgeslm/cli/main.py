"""`edgeslm`: finds the verb, runs it, and turns every error into its exit code.

The table below is all that `edgeslm --help` needs; a verb's module is imported only when the verb is named.
A verb module has `configure(parser)` and `run(arguments) -> int` (the exit code).
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from edgeslm.cli import output
from edgeslm_agent import __version__
from edgeslm_agent.errors import EdgeSLMError, EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from typing import NoReturn

VERBS = {
    "export": "turn a model into a bundle for a named board, behind a quality gate",
    "adopt": "turn a .tflite or .litertlm that another tool wrote into a bundle",
    "plan": "what would be built for a board, and why the rest would not; reads no weights",
    "eval": "measure a bundle's quality against the fp32 reference",
    "measure": "measure a bundle's speed and memory, here or on a device",
    "select": "choose the best of several bundles for a board",
    "inspect": "show what a bundle holds",
    "verify": "check every byte of a bundle against its manifest",
    "run": "answer a prompt with a bundle on this machine",
    "fleet": "collect telemetry and show the state of every device",
    "telemetry": "show what devices report, live or from a collector's history",
    "list": "list devices, models or recipes",
    "show": "show one device profile with the source of its figures",
    "doctor": "say what is missing on this machine and what to run",
    "demo": "the guided first run: export, three agents, a broker, telemetry",
}
NESTED = {"fleet"}  # has verbs of its own
EPILOG = """exit codes: 0 done, 1 the answer is no, 2 usage, 3 configuration, 4 environment, 5 export, 6 bundle,
7 network, 70 bug, 130 interrupted. Every verb takes --json: one document on stdout, the story on stderr."""


GARBAGE = 100_000  # objects made before unused rings of them are looked for; 700 would be, a hundred times an export


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are errors like all others, so that --json and exit codes hold."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"`{self.prog} --help` shows what there is")


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        return _call(arguments)
    except KeyboardInterrupt:
        output.story("interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:  # the reader of our output went away: `edgeslm ... | head`
        output.discard_stdout()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: every failure gets a sentence and a code
        known = _as_known(error)
        output.failure(known, as_json="--json" in arguments)
        return known.exit_code


def entry() -> NoReturn:
    """Run the command line of this process and leave at once, for all contexts are closed by then.

    Python would first take apart everything it loaded: 50 to 80 ms after an export. All output is flushed line by line.
    Being told to end tidies up as Ctrl-C does.
    """
    # numpy's BLAS starts threads when it is imported, and they spin for 2^28 cycles, a tenth of a second of a core that
    # hashes the weights meanwhile; 2^20 still bridges the gap between two products.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    gc.set_threshold(GARBAGE)
    for number in (signal.SIGTERM, signal.SIGHUP):  # `kill` and systemd; a terminal or ssh that went away
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup's stays ignored
            signal.signal(number, signal.default_int_handler)
    os._exit(main())


def _call(arguments: list[str]) -> int:
    if arguments and arguments[0] in VERBS:
        verb, *rest = arguments
        module, parser = import_module(f"edgeslm.cli.{verb}"), _verb_parser(verb)
        module.configure(parser)
        # intermixed: `run BUNDLE --greedy PROMPT` means what it says
        options = parser.parse_args(rest) if verb in NESTED else parser.parse_intermixed_args(rest)
        code: int = module.run(options)
        return code
    parser = _parser()
    if parser.parse_args(arguments).version:
        output.result(f"edgeslm {__version__}")
    else:
        output.result(parser.format_help().rstrip())
    return 0


def _as_known(error: Exception) -> EdgeSLMError:
    """Return the error as one of our own; what nobody foresaw is a bug, with its traceback if EDGESLM_DEBUG is set."""
    if isinstance(error, EdgeSLMError):
        return error
    if isinstance(error, MemoryError):
        return EnvironmentProblem("out of memory", "close other programs, or take a smaller model or --context")
    if isinstance(error, OSError):
        return EnvironmentProblem(str(error), "`edgeslm doctor` checks disk space and permissions")
    if os.environ.get("EDGESLM_DEBUG"):
        raise error
    return EdgeSLMError(
        f"{type(error).__name__}: {error}", "this is a bug in edgeslm; EDGESLM_DEBUG=1 shows where, please report it"
    )


def _parser() -> argparse.ArgumentParser:
    """Build the parser that knows every verb's name and what it is for."""
    parser = _Parser(
        prog="edgeslm",
        description="Small language models on edge devices: export for a named board, run there, know what they do.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, help_line in VERBS.items():
        commands.add_parser(name, help=help_line)
    return parser


def _verb_parser(verb: str) -> argparse.ArgumentParser:
    """Build the parser of one verb, to which its module adds the rest."""
    help_line = VERBS[verb]
    parser = _Parser(
        prog=f"edgeslm {verb}",
        description=f"{help_line[0].upper()}{help_line[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return parser
