"""The one place where text becomes HTML: everything a user may have written is escaped here."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Markup(str):
    """Text that is HTML already: made by `element` or `text`, never from what a user wrote."""

    __slots__ = ()


def text(words: str) -> Markup:
    """Return words as HTML that shows them."""
    return Markup(escape(words))


def element(tag: str, *content: str, **attributes: str | float | None) -> Markup:
    """Return an element; plain strings in it and in its attributes are escaped, `None` leaves an attribute out.

    `class_` and `for_` lose their underscore, other underscores become hyphens.
    """
    words = "".join(
        f' {_name(key)}="{escape(_value(value))}"' for key, value in attributes.items() if value is not None
    )
    inner = "".join(part if isinstance(part, Markup) else escape(part) for part in content)
    return Markup(f"<{tag}{words}>{inner}</{tag}>")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> Markup:
    """Return a table with a caption and headers for screen readers; the first cell of a row is its header."""
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    parts = (element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", element("table", *parts), class_="scroll")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key != "viewBox" else key


def _value(value: str | float | None) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
