"""`python -m edgeslm` is the command `edgeslm`."""

from edgeslm.cli.main import entry

entry()
