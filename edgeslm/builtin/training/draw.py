"""One step in the making: what it means so far, and what is settled before its words are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .vocabulary import AREAS, DEVICES, DOORS, INDOOR, ROOMS, Device, Place

if TYPE_CHECKING:
    from random import Random

    from .split import Step

OUTDOORS = tuple(p for p in ROOMS if p.key in ("garden", "patio", "balcony", "porch"))
SHADED = tuple(p for p in ROOMS if p.key in ("patio", "balcony", "porch", "sunroom"))
ROOM_WEIGHTS = [p.weight for p in ROOMS]
ANYWHERE = (*ROOMS, *AREAS)
ANY_WEIGHTS = [p.weight for p in ANYWHERE]
INDOORS = tuple(
    p for p in (*ROOMS, *AREAS) if p.key in INDOOR or (p.preposition == "" and p.key != "outside") or "floor" in p.key
)
IN_WEIGHTS = [p.weight for p in INDOORS]
DOOR_WEIGHTS = [p.weight for p in DOORS]
NAME_START, NAME_END = "\x01", "\x02"


class Draw:
    """One step in the making: its meaning so far, and what its sentence has already settled."""

    def __init__(
        self,
        rng: Random,
        step: Step,
        seen: bool,
        devices: tuple[tuple[str, float], ...] = (),
        *,
        room: float = 0.7,
        whole: float = 0.0,
    ) -> None:
        self.rng = rng
        self.step = step
        self.seen = seen
        self.unseen_form = False
        self.devices = devices
        self.room = room
        self.whole = whole
        self.there: str | None = None
        self.device: Device | None = None
        self.plural = False
        self.everything = False
        self.place: Place | None = None

    # --- settled before the words are said

    def settle(self, slots: frozenset[str]) -> None:
        """Choose device, number and room for a template with these slots, so that "is" may come before its noun."""
        if self.devices:
            self.choose_device(bool(slots & {"in", "room", "inq"}) and bool(slots & {"d", "ds"}))
        located = "t" in slots and self.device is not None and self.rng.random() < self._room_chance()
        if located and self.place is None:
            self.place = self.fitting_place()
        if (
            self.device is not None
            and self.device.key != "all"
            and self.rng.random() < self.whole
            and "t" in slots
            and self.device.plural
        ):
            self.everything = True

    def choose_device(self, needs_room: bool) -> None:
        """Settle which device, one that can stand in a room if need be, and whether it is one or more."""
        while True:
            key = self.rng.choices([d for d, _ in self.devices], [w for _, w in self.devices])[0]
            device = DEVICES.get(key) or Device("all", ("everything",))
            if not needs_room or (device.places not in ("none", "door") and key != "all"):
                break
        self.device = device
        self.plural = bool(device.plural) and (
            not device.singular or self.rng.random() < (0.45 if device.key in ("light", "lamp") else 0.2)
        )

    def _room_chance(self) -> float:
        assert self.device is not None
        factor = {"none": 0.0, "door": 0.0, "few": 0.35}.get(self.device.places, 1.0)
        return min(0.9, self.room * factor * (0.5 if self.device.key == "thermostat" else 1.0))

    def fitting_place(self) -> Place:
        """A place where the device may stand."""
        device = self.device or DEVICES.get(str(self.step.get("device")))
        kind = device.places if device else "any"
        if kind == "garden":
            return self.rng.choice(OUTDOORS)
        if kind == "patio":
            return self.rng.choice(SHADED)
        if self.device is not None and self.device.key == "camera" and self.rng.random() < 0.45:
            return self.rng.choices(DOORS, DOOR_WEIGHTS)[0]
        if kind in ("in", "few") and self.rng.random() < 0.95:
            return self.rng.choices(INDOORS, IN_WEIGHTS)[0]
        return self.rng.choices(ANYWHERE, ANY_WEIGHTS)[0]

    # --- words

    def add(self, **meaning: str | float | None) -> None:
        """Put what was said into the step; None says nothing."""
        for key, value in meaning.items():
            if value is not None:
                self.step[key] = value

    def name(self, text: str, article: bool = True) -> str:
        """An open name, marked so that no typo is put into it; its first article is said but not kept unless wanted."""
        first, _, rest = text.partition(" ")
        self.step["name"] = rest if rest and not article and first in ("the", "a", "an") else text
        return f"{NAME_START}{text}{NAME_END}"

    def noun(self, place: Place) -> str:
        """A name of a place."""
        return place.nouns[0] if self.rng.random() < 0.6 else self.rng.choice(place.nouns)

    def locative(self, place: Place) -> str:
        """In the kitchen, on the balcony, upstairs; "in there" where the step before was in the same room."""
        if self.there == place.key:
            self.there = None
            if self.rng.random() < 0.75:
                return self.rng.choice(("in there", "in there", "there", "in that room"))
        self.step["room"] = place.key
        noun = self.noun(place)
        if not place.preposition:
            return noun
        preposition = place.preposition if self.rng.random() < 0.93 else "in"
        article = "the" if self.rng.random() < 0.93 else self.rng.choice(("my", "our"))
        return f"{preposition} {article} {noun}"

    def word(self, plural: bool) -> str:
        """What the device is called."""
        assert self.device is not None
        spellings = self.device.plural if plural and self.device.plural else self.device.singular or self.device.plural
        return spellings[0] if self.rng.random() < 0.5 else self.rng.choice(spellings)
