"""Keeps a running agent's certificate fresh: a look soon after the start, then about one a day."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from edgeslm_agent.errors import EdgeSLMError
from edgeslm_agent.identity.enrolment import renew
from edgeslm_agent.identity.folder import read_record

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

_FIRST_S = 600.0  # at most; a fleet that starts together must not knock together
_DAY_S = 86400.0


def keep_renewed(
    folder: Path, stop: threading.Event, notice: Callable[[str], None], *, first_s: float = _FIRST_S
) -> None:
    """Renew whenever it is due until `stop` is set; for a thread. Returns at once for an identity that came by hand.

    A third of the certificate's time is for retries. The link reads the files at each connection, so nothing has to be
    restarted.
    """
    wait_s = random.uniform(0.0, first_s)
    try:
        record = read_record(folder)
        while record is not None and record.desk is not None and not stop.wait(wait_s):
            wait_s = random.uniform(0.5, 1.0) * _DAY_S
            _try(folder, notice)
    except EdgeSLMError as error:
        notice(f"the certificate will not be renewed: {error}")


def _try(folder: Path, notice: Callable[[str], None]) -> None:
    try:
        if renew(folder):
            notice("the certificate was renewed")
    except EdgeSLMError as error:
        notice(f"the certificate could not be renewed: {error}; trying again within a day")
