"""The name under which the collectors of a fleet share a subscription.

It is a secret: Mosquitto grants every subscription and holds back at delivery what its subscriber may not read, so
whoever joins the group makes it lose a share. The name lies in the file `group` of each collector's credentials.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from edgeslm_agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "group"
_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")


def new_group() -> str:
    """Return a name that nobody guesses."""
    return secrets.token_urlsafe(24)


def read_group(credentials: Path | None) -> str:
    """Return the name in a folder of credentials. Raises UsageError without a folder, ConfigError for its file."""
    hint = "`edgeslm fleet init` and `edgeslm fleet grant collector` write it; or put 16 to 64 random letters there"
    if credentials is None:
        raise UsageError("collectors that share need a secret name for their group", f"add --credentials DIR; {hint}")
    path = credentials / FILE
    try:
        name = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint) from error
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{path} holds no name of a group", hint)
    return name
