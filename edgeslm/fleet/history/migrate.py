"""Brings a database to the tables of this edgeslm, with Alembic: all steps in one transaction, or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from edgeslm.fleet.history.schema import VERSION, VERSION_TABLE
from edgeslm_agent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from edgeslm.fleet.history.database import Database

_STEPS = Path(__file__).with_name("migrations")
_FIRST = "0001"


def migrate(database: Database) -> None:
    """Make or change the tables when they are not ours yet; writes nothing when they are.

    Raises EnvironmentProblem for a database of a later edgeslm, and for one that does not keep Unicode.
    """
    with database.read() as connection:
        if _version(connection) == VERSION:
            return
    with database.write() as connection:
        database.exclude(connection)  # several collectors may start together
        version = _version(connection)
        if version != VERSION:
            _check(database.name, connection, version)
            _upgrade(connection, stamp=version == _FIRST)


def _version(connection: Connection) -> str | None:
    """Return the version of the tables, None where there are none yet."""
    found = inspect(connection)
    if found.has_table(VERSION_TABLE):
        return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")))  # noqa: S608 - our own name
    if connection.dialect.name == "sqlite":
        number = connection.scalar(text("PRAGMA user_version"))
        if number:
            return f"{number:04}"
    return None


def _check(name: str, connection: Connection, version: str | None) -> None:
    if version is not None and version > VERSION:
        raise EnvironmentProblem(
            f"{name} was written by a later edgeslm", "update edgeslm, or name another database with --db"
        )
    if connection.dialect.name == "postgresql" and connection.scalar(text("SHOW server_encoding")) != "UTF8":
        raise EnvironmentProblem(
            f"{name} does not keep Unicode", "make a database with CREATE DATABASE ... ENCODING 'UTF8'"
        )


def _upgrade(connection: Connection, *, stamp: bool) -> None:
    """Run what is missing; `stamp` marks a file of the first edgeslm, which knew nothing of Alembic."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_STEPS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if stamp and not inspect(connection).has_table(VERSION_TABLE):
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")
