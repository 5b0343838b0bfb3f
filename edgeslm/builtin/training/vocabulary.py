"""What a house consists of: rooms, doors and devices, each with the ways people say it.

The keys are the values that may appear in an action; the spellings appear only in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from .tables import listed

ACTIONS = listed("""
turn_on turn_off set increase decrease open close lock unlock start stop pause resume next previous play mute
unmute get show arm disarm dock snooze cancel none
""")
KEYS = listed("""
action device room except property name value unit color mode at in for days
""")
PROPERTIES = listed("""
temperature humidity air_quality co2 power noise brightness battery volume channel
""")
UNITS = listed("""
% degrees celsius fahrenheit
""")
COLORS = listed("""
red green blue yellow orange purple pink white warm_white cool_white cyan magenta lavender teal gold lime amber
dark_blue light_blue
""")
MODES = listed("""
heat cool auto eco away dry fan sleep turbo low medium high quiet spot mop bake grill convection defrost quick
delicate cotton wool intensive boost home night
""")
SCENES = listed("""
movie good_night good_morning away home party reading dinner romantic focus relax cleaning gaming yoga
""")
DAYS = listed("""
daily weekdays weekends tomorrow monday tuesday wednesday thursday friday saturday sunday
""")


@dataclass(frozen=True)
class Place:
    """A room or an area: how it is named and which preposition leads into it (none for "upstairs")."""

    key: str
    nouns: tuple[str, ...]
    preposition: str = "in"
    adjectives: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True)
class Device:
    """A thing that can be commanded: its spellings in the singular and the plural, and where it may stand."""

    key: str
    singular: tuple[str, ...]
    plural: tuple[str, ...] = ()
    places: str = "any"
    weight: float = 1.0


def _places(table: str) -> tuple[Place, ...]:
    return tuple(_place(line) for line in table.strip().splitlines())


def _place(line: str) -> Place:
    key, preposition, nouns, weight = (cell.strip() for cell in line.split(";"))
    return Place(key, tuple(n.strip() for n in nouns.split(",")), preposition, weight=float(weight))


ROOMS = _places("""
kitchen; in; kitchen; 4
living_room; in; living room, lounge, sitting room, front room, family room; 5
bedroom; in; bedroom; 4
main_bedroom; in; main bedroom, master bedroom; 2
guest_room; in; guest room, spare room, guest bedroom, spare bedroom; 2
kids_room; in; kids room, kids' room, children's room, kid's room, kids bedroom; 2
nursery; in; nursery, baby's room, baby room; 1.5
bathroom; in; bathroom; 3
toilet; in; toilet, restroom, loo; 1
hallway; in; hallway, hall, corridor; 3
entrance; in; entrance, foyer, entryway; 1.5
office; in; office, study, home office; 3
garage; in; garage; 2
basement; in; basement, cellar; 2
attic; in; attic, loft; 1.5
dining_room; in; dining room; 2
laundry_room; in; laundry room, utility room, laundry; 1.5
garden; in; garden, yard, back yard, backyard; 2
patio; on; patio, terrace, deck; 2
balcony; on; balcony; 1.5
porch; on; porch; 1.5
driveway; in; driveway; 1
pantry; in; pantry, larder; 1
closet; in; closet, wardrobe; 1
stairs; on; stairs, staircase, stairway; 1
workshop; in; workshop; 1
shed; in; shed, garden shed; 1
sunroom; in; sunroom, conservatory; 1
gym; in; gym, home gym; 1
library; in; library; 1
playroom; in; playroom, game room, games room; 1
pool; by; pool; 0.8
""")
AREAS = _places("""
upstairs; ; upstairs; 1.6
downstairs; ; downstairs; 1.6
outside; ; outside, outdoors; 1.2
first_floor; on; first floor, 1st floor; 0.7
second_floor; on; second floor, 2nd floor; 0.7
""")
DOORS = _places("""
front_door; at; front door; 4
back_door; at; back door; 3
side_door; at; side door; 1.5
patio_door; at; patio door, terrace door; 1.5
garage_door; at; garage door; 1.5
basement_door; at; basement door, cellar door; 1.2
balcony_door; at; balcony door; 1.2
office_door; at; office door, study door; 1
shed_door; at; shed door; 1
gate; at; gate, garden gate, front gate; 1.2
""")
INDOOR = {p.key for p in ROOMS} - {"garden", "patio", "balcony", "porch", "driveway", "pool"}
PLACE_KEYS = {p.key for p in (*ROOMS, *AREAS, *DOORS)} | {"all"}


def _devices(table: str) -> dict[str, Device]:
    devices = (_device(line) for line in table.strip().splitlines())
    return {d.key: d for d in devices}


def _device(line: str) -> Device:
    key, singular, plural, places, weight = (cell.strip() for cell in line.split(";"))
    split = [tuple(w.strip() for w in cell.split(",") if w.strip()) for cell in (singular, plural)]
    return Device(key, split[0], split[1], places, float(weight))


# places: any = rooms and areas, in = indoor rooms, few = now and then a room, none = never a room
DEVICES = _devices("""
light; light, ceiling light, main light, overhead light, lighting; lights, ceiling lights; any; 12
lamp; lamp, table lamp, floor lamp, desk lamp, bedside lamp, reading lamp; lamps, table lamps; in; 5
night_light; night light, nightlight; night lights, nightlights; in; 1.5
christmas_lights; ; christmas lights, fairy lights, xmas lights, holiday lights; any; 1.5
fan; fan, ceiling fan; fans, ceiling fans; in; 4
heater; heater, space heater, radiator; heaters, radiators; in; 3
air_conditioner; air conditioner, ac, a/c, aircon, air con, air conditioning; air conditioners; in; 3
thermostat; thermostat, heating, heat; thermostats; in; 4
tv; tv, telly, television; tvs, televisions; in; 4
speaker; speaker, smart speaker, stereo; speakers; in; 3
projector; projector, beamer; ; in; 1
humidifier; humidifier; humidifiers; in; 1.5
dehumidifier; dehumidifier; dehumidifiers; in; 1.5
air_purifier; air purifier, air cleaner, air filter, purifier; air purifiers; in; 1.5
plug; plug, smart plug, outlet, socket, power outlet; plugs, outlets, sockets; any; 2
camera; camera, cam, security camera; cameras, security cameras; any; 2
doorbell; doorbell, door bell; ; none; 1
sprinkler; sprinkler, irrigation; sprinklers; garden; 2
coffee_maker; coffee maker, coffee machine, coffee pot, espresso machine; ; few; 2
kettle; kettle, electric kettle; ; few; 1.5
oven; oven, cooker; ; few; 2
microwave; microwave; ; few; 1
toaster; toaster; ; few; 1
hood; hood, extractor, range hood, extractor fan, cooker hood; ; few; 1.2
dishwasher; dishwasher, dish washer; ; few; 2
washing_machine; washing machine, washer, laundry machine; ; few; 2
dryer; dryer, tumble dryer, drier; ; few; 1.5
vacuum; vacuum, robot, robot vacuum, vacuum cleaner, roomba, hoover; ; few; 2.5
water_heater; water heater, boiler, hot water; ; few; 1.5
router; router, wifi, wi-fi, internet; ; few; 1.5
fireplace; fireplace, fire place; ; few; 1.2
electric_blanket; electric blanket, heated blanket; ; few; 1
computer; computer, pc, desktop; computers; few; 1.5
blinds; ; blinds, window blinds; in; 4
curtains; ; curtains, drapes; in; 3
shutters; ; shutters, roller shutters; in; 2
shades; ; shades, window shades, roller shades; in; 2
window; window; windows; in; 2.5
skylight; skylight, roof window; ; in; 1
awning; awning, sun awning; awnings; patio; 1.5
garage_door; garage door; garage doors; none; 2.5
gate; gate, driveway gate; gates; none; 1.5
lock; lock, door lock, smart lock; locks; door; 1
alarm_system; alarm system, alarm, security system, security alarm, burglar alarm; ; none; 1
""")
OTHER_DEVICES = ("timer", "alarm", "reminder", "scene", "all")
DEVICE_KEYS = {*DEVICES, *OTHER_DEVICES}

COLOR_WORDS: dict[str, tuple[str, ...]] = {
    **{c: (c,) for c in COLORS},
    "purple": ("purple", "violet"),
    "warm_white": ("warm white", "warm-white"),
    "cool_white": ("cool white", "cold white", "cool-white"),
    "dark_blue": ("dark blue", "navy blue", "deep blue"),
    "light_blue": ("light blue", "pale blue", "sky blue"),
    "gold": ("gold", "golden"),
    "cyan": ("cyan", "aqua"),
}
SCENE_WORDS: dict[str, tuple[str, ...]] = {
    **{s: (s,) for s in SCENES},
    "movie": ("movie", "film", "cinema"),
    "good_night": ("good night", "goodnight", "bedtime"),
    "good_morning": ("good morning", "morning"),
    "focus": ("focus", "work"),
    "relax": ("relax", "relaxing", "chill"),
    "cleaning": ("cleaning", "clean up"),
    "gaming": ("gaming", "game"),
    "romantic": ("romantic", "date night"),
}
