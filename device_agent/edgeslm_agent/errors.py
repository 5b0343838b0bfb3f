"""Every error of edgeslm, by whose fault it is.

EdgeSLMError                    70  a bug, unless a class below says otherwise
├── UsageError                   2  the command line
├── ConfigError                  3  a file somebody wrote by hand; carries all its problems as file:line
├── EnvironmentProblem           4  this machine: disk, memory, permissions
│   └── MissingExtra             4  a package that is not installed
├── ExportError                  5  the model cannot be converted
│   ├── BadCheckpoint            5  files missing, truncated, or at odds with config.json
│   ├── UnsupportedArchitecture  5  a model_type nobody wrote down yet
│   ├── UnsupportedOperator      5  a shape or a form the runtime's operators refuse
│   └── DisagreesWithReference   5  the artefact computes something else than the checkpoint
├── BundleError                  6  a bundle on disk
│   ├── Corrupt                  6  a byte changed, a file missing
│   ├── TooNew                   6  written by a later edgeslm
│   └── Incompatible             6  sound, but not for this machine or this request
├── LinkError                    7  the network
│   ├── Unreachable              7
│   ├── Refused                  7
│   └── TimedOut                 7
├── NothingFits                  1  the answer is no; carries the reasons
├── GateFailed                   1  the answer is no: quality below the gate
└── DeploymentFailed             1  the answer is no: the device did not take it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class EdgeSLMError(Exception):
    """What happened (`message`) and what to do now (`hint`)."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EdgeSLMError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = 2


class ConfigError(EdgeSLMError):
    """A hand-written file is wrong; `problems` lists all of them, each as `file:line: what`."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *problems]), hint)
        self.problems = tuple(problems)


class EnvironmentProblem(EdgeSLMError):
    """This machine lacks something: disk, memory, permission."""

    exit_code = 4


class MissingExtra(EnvironmentProblem):
    """A package is not installed; the hint is the command that installs it."""


class ExportError(EdgeSLMError):
    """The model cannot be converted."""

    exit_code = 5


class BadCheckpoint(ExportError):
    """The checkpoint's files are missing, truncated, or disagree with its config.json."""


class UnsupportedArchitecture(ExportError):
    """No file under architectures/ describes this model_type."""


class UnsupportedOperator(ExportError):
    """A shape or form that the runtime's operators refuse or run slowly."""


class DisagreesWithReference(ExportError):
    """The artefact computes something else than the checkpoint."""


class BundleError(EdgeSLMError):
    """A bundle on disk cannot be used."""

    exit_code = 6


class Corrupt(BundleError):
    """A file of the bundle is missing or changed since it was written."""


class TooNew(BundleError):
    """The bundle was written by a later version of edgeslm."""


class Incompatible(BundleError):
    """The bundle is sound, but not for this machine or this request."""


class LinkError(EdgeSLMError):
    """The broker could not be used."""

    exit_code = 7


class Unreachable(LinkError):
    """Nobody answers at the broker's address."""


class Refused(LinkError):
    """The broker answered no."""


class TimedOut(LinkError):
    """No answer came in time."""


class NothingFits(EdgeSLMError):
    """No candidate satisfies the constraints; `reasons` says why, one line a candidate."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", reasons: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *reasons]), hint)
        self.reasons = tuple(reasons)


class GateFailed(EdgeSLMError):
    """Quality is below the gate."""

    exit_code = 1


class DeploymentFailed(EdgeSLMError):
    """A device did not take what was deployed to it."""

    exit_code = 1
