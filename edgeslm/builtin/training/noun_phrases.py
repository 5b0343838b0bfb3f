"""How a device is called where it stands, and slips that are taken back.

The forms are templates too: a tenth of them is held out of training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .draw import ANY_WEIGHTS, ANYWHERE, NAME_END, NAME_START, Draw
from .grammar import parse, render
from .split import held_out_template, seen_only

if TYPE_CHECKING:
    from collections.abc import Callable

IN_ROOM = tuple(
    """
the {r} {d}
the {r} {d}
the {r} {d}
the {r} {d}
the {r} {d}
the {r} {d}
{r} {d}
{r} {d}
{r} {d}
the {d} {in}
the {d} {in}
the {d} {in}
the {d} {in}
the {d} {in}
the {d} {in}
{d} {in}
{d} {in}
my {r} {d}
the {d} of the {r}
our {r} {d}
that {r} {d}
the {d} that's {in}
the {d} over {in}
the {d} we have {in}
this {r} {d}
my {d} {in}
the {d} from the {r}
the {d} for the {r}
""".strip().splitlines()
)
ALL_IN_ROOM = tuple(
    """
all the {ds} {in}
all the {r} {ds}
all {r} {ds}
all of the {ds} {in}
every {d} {in}
every {r} {d}
all {ds} {in}
both {r} {ds}
the two {ds} {in}
each {d} {in}
all my {r} {ds}
""".strip().splitlines()
)
EVERYWHERE = tuple(
    """
all the {ds}
all {ds}
all of the {ds}
every {d}
every single {d}
all my {ds}
all our {ds}
the {ds} everywhere
the {ds} in the whole house
the {ds} in every room
all the {ds} in the house
all the {ds} everywhere
each {d} in the house
the {ds} all over the house
every {d} in the house
all {ds} in the house
the {ds} in all rooms
the {ds} throughout the house
""".strip().splitlines()
)
PLAIN = tuple(
    """
the {d}
the {d}
the {d}
the {d}
the {d}
the {d}
the {d}
the {d}
{d}
my {d}
{d}
our {d}
that {d}
this {d}
""".strip().splitlines()
)
HOUSE = tuple(
    """
everything
everything {in}
all devices
everything in the house
all the devices {in}
every device
every device {in}
all the appliances
everything {in}
all the things {in}
all electronics {in}
""".strip().splitlines()
)
FORMS = {"room": IN_ROOM, "all_room": ALL_IN_ROOM, "all": EVERYWHERE, "plain": PLAIN, "house": HOUSE}
SEEN_FORMS = {key: seen_only(forms) for key, forms in FORMS.items()}


def _form(draw: Draw, kind: str) -> str:
    """A noun phrase form; in training only those that may be seen."""
    form = draw.rng.choice((SEEN_FORMS if draw.seen else FORMS)[kind])
    draw.unseen_form |= held_out_template(form)
    return form


def plain_target(draw: Draw) -> str:
    device = draw.device
    assert device is not None, "a template with {t} in a family without devices"
    draw.add(device=device.key)
    if device.key == "all":
        return _house(draw)
    if draw.everything and draw.place is None:
        draw.add(room="all")
        return _noun_phrase(draw, "all", plural=False)
    if draw.place is None:
        return _noun_phrase(draw, "plain", draw.plural)
    draw.add(room=draw.place.key)
    return _noun_phrase(draw, "all_room" if draw.everything else "room", draw.plural)


def _house(draw: Draw) -> str:
    form = _form(draw, "house")
    if "{in}" in form and draw.place is None:
        draw.place = draw.rng.choices(ANYWHERE, ANY_WEIGHTS)[0]
    return _say(draw, form, False)


def _noun_phrase(draw: Draw, kind: str, plural: bool) -> str:
    form = _form(draw, kind)
    while kind == "room" and draw.there is not None and "{in}" not in form:
        form = _form(draw, kind)
    return _say(draw, form, plural)


def _say(draw: Draw, form: str, plural: bool) -> str:
    def fill(slot: str) -> str:
        if slot == "in":
            assert draw.place is not None
            return draw.locative(draw.place)
        if slot == "r":
            assert draw.place is not None
            return draw.noun(draw.place)
        return draw.word(plural or slot == "ds")

    return render(parse(form).parts, draw.rng, fill)


def corrected(draw: Draw, say: Callable[[Draw], str], chance: float = 0.012) -> str:
    """What `say` says, after something else that is taken back, now and then."""
    if draw.rng.random() >= chance:
        return say(draw)
    kept = dict(draw.step)
    there = draw.there
    wrong = say(draw)
    draw.step.clear()
    draw.step.update(kept)
    draw.there = there
    sorry = draw.rng.choice(
        (
            ", no, ",
            ", no wait, ",
            ", i mean ",
            ", sorry, ",
            " no ",
            ", actually ",
            ", wait, ",
            ", or rather ",
            " i mean ",
            " sorry ",
            ", make that ",
        )
    )
    return wrong.replace(NAME_START, "").replace(NAME_END, "") + sorry + say(draw)


def target(draw: Draw) -> str:
    if draw.rng.random() >= 0.012 or draw.there is not None or draw.device is None:
        return plain_target(draw)
    kept, place, device = dict(draw.step), draw.place, draw.device
    if draw.rng.random() < 0.5 and place is not None:
        draw.place = draw.fitting_place()
    else:
        draw.choose_device(place is not None)
        draw.plural = False
        if draw.rng.random() < 0.6:
            draw.place = None
    wrong = plain_target(draw)
    draw.step.clear()
    draw.step.update(kept)
    draw.place, draw.device = place, device
    return (
        wrong
        + draw.rng.choice(
            (", no, ", ", no wait, ", ", i mean ", ", sorry, ", ", actually ", ", sorry i mean ", ", or rather ")
        )
        + plain_target(draw)
    )
