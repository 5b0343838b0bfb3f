"""The history: everything devices reported, each record once by its key (device, boot, seq); see README.md.

Light to import: SQLAlchemy comes with the first `History`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm.fleet.history.intake import Intake
from edgeslm.fleet.history.retention import Retention, Tidied
from edgeslm_agent.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeslm.fleet.history.reading import Moment
    from edgeslm.fleet.sightings import Sighting
    from edgeslm.fleet.watch import Watched

__all__ = ["Address", "History", "Intake", "Retention", "Tidied", "parse_address"]

Address = str | Path  # the URL of a PostgreSQL, or the file of a SQLite
_SCHEMES = ("postgresql", "postgres")


def parse_address(text: str) -> Address:
    """Read what a person gives as --db. Raises UsageError for the URL of another database."""
    scheme, colon, _ = text.partition("://")
    if not colon:
        return Path(text)
    if scheme not in _SCHEMES:
        raise UsageError(f"'{scheme}' is not a database we know", "write postgresql://user@host/name, or a file's name")
    return f"{_SCHEMES[0]}://{text.partition('://')[2]}"


class History:
    """One database, for one thread. Methods raise EnvironmentProblem when disk or server do not do their part."""

    def __init__(self, address: Address) -> None:
        if find_spec("sqlalchemy") is None:
            raise MissingExtra("a history needs SQLAlchemy", "pip install 'edgeslm[fleet]'")
        from edgeslm.fleet.history.database import Database
        from edgeslm.fleet.history.migrate import migrate

        self._database = Database(address)
        try:
            migrate(self._database)
        except BaseException:
            self._database.close()
            raise

    @property
    def name(self) -> str:
        """What messages call it: the file, or the URL without its password."""
        return self._database.name

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def commit(self, intake: Intake, now: float) -> int:
        """Write everything or nothing, on disk when it returns; returns how many samples and events were new."""
        from edgeslm.fleet.history.writing import write

        with self._database.write() as connection:
            return write(self._database, connection, intake, now)

    def tidy(self, retention: Retention, now: float) -> Iterator[Tidied]:
        """Fold and delete what is older than it is kept, a transaction at a time; others may write meanwhile."""
        from edgeslm.fleet.history.tidying import tidy

        return tidy(self._database, retention, now)

    def sightings(self, scope: Watched, now: float) -> list[Sighting]:
        """Return every device of the scope with its latest status, capability and sample; ages as of `now`."""
        from edgeslm.fleet.history.reading import latest

        with self._database.read() as connection:
            return latest(connection, scope, now)

    def moments(self, scope: Watched, since: float) -> Iterator[Moment]:
        """Yield samples and rollups since a moment (seconds since 1970), device by device."""
        from edgeslm.fleet.history.reading import moments

        with self._database.read() as connection:
            yield from moments(connection, scope, since)

    def totals(self) -> dict[str, int]:
        """Return the counters, such as the samples and events ever stored, and the number of devices."""
        from edgeslm.fleet.history.reading import totals

        with self._database.read() as connection:
            return totals(connection)
