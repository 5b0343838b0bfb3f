"""How long a history keeps what: samples as they came, then one row a minute, then one an hour, then nothing."""

from __future__ import annotations

from dataclasses import dataclass

from edgeslm_agent.errors import UsageError

DAY_S = 86400.0


@dataclass(frozen=True)
class Retention:
    """Ages in seconds. What a device tells 30 days late finds its place among the rollups."""

    samples_s: float = 7 * DAY_S
    minutes_s: float = 30 * DAY_S
    hours_s: float = 730 * DAY_S
    events_s: float = 730 * DAY_S

    def __post_init__(self) -> None:
        if not 0 < self.samples_s <= self.minutes_s <= self.hours_s:
            raise UsageError(
                "samples must not be kept longer than minutes, nor minutes longer than hours",
                "for example --keep-samples 7d --keep-minutes 30d --keep-hours 730d",
            )


@dataclass(frozen=True)
class Tidied:
    """What a tidying did, in rows: samples and minutes folded; events, and hours and noted numbers (`notes`), gone."""

    samples: int = 0
    minutes: int = 0
    events: int = 0
    notes: int = 0

    def plus(self, other: Tidied) -> Tidied:
        """Return both together."""
        return Tidied(
            self.samples + other.samples,
            self.minutes + other.minutes,
            self.events + other.events,
            self.notes + other.notes,
        )

    def full(self, chunk: int) -> bool:
        """Return whether one of its parts stopped at its bound, so that there may be more."""
        return chunk in (self.samples, self.minutes, self.events)
