"""Lists of words, written as text so that they can be read."""

from __future__ import annotations


def listed(text: str, mark: str | None = None) -> list[str]:
    """The entries of a text, between marks (white space if no mark is given); line ends mean nothing."""
    joined = " ".join(text.split())
    return [entry.strip() for entry in joined.split(mark)] if joined else []
