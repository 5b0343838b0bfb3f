"""What surrounds a command without changing it: politeness, reasons, slips of the finger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .draw import NAME_END, NAME_START
from .tables import listed

if TYPE_CHECKING:
    from random import Random

IMPERATIVES = frozenset(
    listed("""
turn switch put power activate enable fire flip get make see set bring have keep leave give start light
illuminate hit kill cut deactivate disable shut take water irrigate sprinkle begin dim brighten adjust change
lower raise reduce increase decrease boost crank step color paint heat warm cool hold drop bump push run use
open let roll lift pull move draw part slide throw extend unroll unfold retract fold close block lock bolt
secure latch engage unlock unbolt unlatch release disengage undo launch kick brew prepare boil do wash dry
preheat pre-heat select choose vacuum hoover clean sweep send tell mop spot dock return park charge recharge
stop halt end abort interrupt quit pause suspend resume continue unpause carry go proceed restart play stream
queue listen find look watch show mute silence hush unmute restore skip jump tune create add remind schedule
cancel delete remove clear dismiss scrap call forget wake snooze arm protect disarm display view check read
report measure switch trigger enter apply load exit help
""")
)
LEADS = [
    f"{entry} "
    for entry in listed(
        """
please | please | please | can you | can you | can you please | could you | could you | could you please |
would you | would you please | will you | will you please | can you just | could you just | could you maybe |
can you quickly | hey | hey, | ok | okay, | alright, | now | right, | so | just | just please | kindly |
quickly | go ahead and | hey can you | hey, could you | hi, please | hello, can you | hey house, | hey home, |
computer, | i want you to | i'd like you to | i would like you to | i need you to | i'd love for you to |
i want to | i'd like to | i need to | i would like to | we need to | we want to | help me | let's | let us |
do me a favor and | be so kind and | be a dear and | would you be so kind and | would you be able to |
are you able to | is it possible to | is it possible for you to | could we | can we | can we please |
may i ask you to | i think you should | you should | you can | you could | it's time to | time to |
why don't you | why don't we | how about you | i was hoping you could | i was wondering if you could |
i'd appreciate it if you could | it would be great if you could | it would be nice if you could | make sure to |
make sure you | don't forget to | remember to | be sure to | try to | please go and | go and |
i'm asking you to | i'd be happy if you could | can somebody | can someone | somebody please | someone please |
any chance you could | do you think you could | do you think you can | would it be possible to | if you can, |
if possible, | if you don't mind, | when you have a moment, | when you get a chance, | if you would, | um |
uh, | erm | well, | oh, | oh and | also | and | then | first | ah, | sweetie, | dear, | buddy, | my friend, |
darling, | i'd prefer you to | feel free to | could i ask you to | can i ask you to | i wish you would
""",
        "|",
    )
]
NOUN_LEADS = [
    f"{entry} "
    for entry in listed(
        """
please | please, | hey | hey, | ok | okay, | so | now | alright, | um | well, | hi, | hello, | oh, | listen, |
also
""",
        "|",
    )
]
ENDS = [
    entry if entry.startswith(",") else f" {entry}"
    for entry in listed(
        """
please | please | please | please | , please | , please | thanks | , thanks | thank you | , thank you | now |
right now | for me | for me please | will you | would you | , would you | could you | , could you please |
, can you | , ok | , okay | asap | immediately | quickly | right away | if you can | if possible |
if you don't mind | if you would | when you can | for us | , please and thank you | cheers | , mate | , buddy |
straight away | already | real quick | at once | , that would be great | , that'd be nice |
, i'd appreciate it | , thank you very much | again | now please | this instant | , my friend | , darling
""",
        "|",
    )
]
NOUN_ENDS = [
    entry if entry.startswith(",") else f" {entry}"
    for entry in listed(
        """
please | please | please | , please | thanks | , thanks | , thank you | now | right now | now please | asap |
, ok | , okay
""",
        "|",
    )
]
_WHO = listed(
    """
the baby, grandma, my wife, my husband, my son, my daughter, the dog, the cat, my mother, my brother, everyone,
the kid, my roommate, grandpa, my dad, mum, my boss, our guest, anna, tom, the little one
""",
    ",",
)
_IS = listed(
    """
is asleep, is sleeping, is tired, is already in bed, is coming home, is here, is on the phone, is cold, is sick,
is studying, is working, has a headache, is taking a nap, is waiting outside, is coming over,
is trying to sleep, just arrived, can't sleep, is scared of the dark, needs some rest, is about to arrive,
just woke up, is going to bed, is visiting today, is watching
""",
    ",",
)
_REASONS = listed(
    """
i'm going to bed, i'm going to sleep, i'm off to bed, i'm leaving, i'm leaving now, i'm leaving the house,
we're leaving, we're going out, i'm going out, i'm home, i'm back home, i'm almost home, i just got home,
i just woke up, i'm tired, i'm so tired, i have a headache, i have a migraine, my eyes hurt, my hands are full,
i've got my hands full, i've got my hands full of shopping, i can't reach the switch, i can't get up right now,
i'm on the couch, i'm already in bed, i'm cooking, i'm making dinner, i'm in the shower, i'm on the phone,
i have a call in a minute, i'm working from home, i'm in a meeting, i need to focus, i want to read,
i'm trying to read, i can't sleep, i can't concentrate, it's getting late, it's late, it's early,
it's getting dark, it's getting dark outside, it's dark outside, the sun is out, the sun is setting,
it's raining, it's about to rain, it's snowing, it's windy, it's a nice day, it's cold outside, it's hot today,
it's a hot day, there's a storm coming, the weather is nice, the grass looks dry, the air is bad,
guests are coming, we have guests, we're having guests tonight, my parents are coming over,
friends are coming over, the kids are asleep, the kids are in bed, the kids are hungry,
the kids are doing homework, the guests are leaving, the movie is about to start, the game is on,
dinner is ready, breakfast is ready, we're about to eat, we're watching a movie, we're having a party,
it's party time, it's movie night, it's bedtime, it's time for bed, i'm expecting a package,
the delivery guy is here, someone is at the door, the bill is too high, i want to save energy,
we should save power, i forgot, i think i forgot, i forgot to do it, i just remembered, i spilled something,
the floor is a mess, i burned the toast, it smells in here, i don't want to wake anyone,
i don't want to wake the baby, the neighbors are complaining, the neighbors can see us, i heard a noise,
i'm a bit scared, i'm bored, i'm hungry, i need a break, i had a long day, it's been a long day, i'm in a hurry,
we're late, the car is packed, i'm doing yoga, i'm about to work out, i'm done for today, we're done here,
nobody is home, nobody is in there, no one is there, i'm alone tonight, the power bill was huge,
i can't find my glasses, it's monday again, i'm feeling lazy, i'm painting, my feet are sore,
i'm washing the car, we're out of milk, there's a mosquito, the plants look sad, the football is on,
i'm on holiday next week, the vet called, i'm baking a cake, we're eating outside tonight,
my book is so exciting
""",
    ",",
)
_NEIGHBOURS = {
    keys[0]: keys[1:]
    for keys in listed("""
aqsz bvgn cxdv dsfe ewrd fdgr gfht hgjy iuok jhku kjli lko mnj nbmh oipl pol qwa retf sadw tryg uyij vcbf wqes
xzcs ytuh zxa
""")
}
_ARTICLES = re.compile(r"\b(the|a|an|my) ")
_WORD = re.compile(r"[a-z']+")
_SPACES = re.compile(r"\s+")
_KEPT = re.compile(f"{NAME_START}[^{NAME_END}]*{NAME_END}")


def is_command(text: str) -> bool:
    """Whether a sentence begins with a verb, so that "can you" may stand before it."""
    return text.partition(" ")[0].rstrip(",") in IMPERATIVES


def polite(text: str, rng: Random) -> str:
    """The sentence with a lead-in, an ending, both or neither."""
    command = is_command(text)
    lead = rng.random() < (0.34 if command else 0.1)
    if lead:
        text = rng.choice(LEADS if command else NOUN_LEADS) + text
    if rng.random() < (0.1 if lead else 0.17) and "please" not in text:
        text += rng.choice(ENDS if command else NOUN_ENDS)
    return text


def reason(rng: Random) -> str:
    """Something said beside the command."""
    return f"{rng.choice(_WHO)} {rng.choice(_IS)}" if rng.random() < 0.35 else rng.choice(_REASONS)


def aside(text: str, rng: Random) -> str:
    """The sentence with a reason before or after it."""
    why = reason(rng)
    if rng.random() < 0.68:
        link = rng.choice(
            (
                ", ",
                ", ",
                ", ",
                " so ",
                " so ",
                ", so ",
                " and ",
                ". ",
                ", can you ",
                ", could you ",
                ", please ",
                " so please ",
                "; ",
                " - ",
            )
        )
        if "ou " in link and not is_command(text):
            link = ", "
        opening = rng.choice(("", "", "", "", "hey, ", "because ", "since ", "as "))
        return f"{opening}{why}{', ' if opening in ('because ', 'since ', 'as ') else link}{text}"
    return (
        text
        + rng.choice((", ", ", ", " because ", " because ", " since ", ", because ", ". ", " as ", ", you see ", " - "))
        + why
    )


def tidy(text: str) -> str:
    """The sentence with single spaces, none before a comma, and no marks around names."""
    text = text.replace(NAME_START, "").replace(NAME_END, "")
    return _SPACES.sub(" ", text).replace(" ,", ",").strip(" ,")


def worn(text: str, rng: Random) -> str:
    """The sentence as it arrives: now and then a slip, a missing apostrophe or article, a last mark, a capital."""
    if rng.random() < 0.085:
        text = _typo(text, rng)
        if rng.random() < 0.15:
            text = _typo(text, rng)
    if rng.random() < 0.015:
        text = _outside_names(text, lambda t: t.replace(" off ", " of ", 1))
    if rng.random() < 0.12:
        text = _outside_names(text, lambda t: t.replace("'", ""))
    if rng.random() < 0.06:
        text = _outside_names(text, lambda t: _ARTICLES.sub(lambda m: m.group() if rng.random() < 0.5 else "", t))
    text = tidy(text)
    if rng.random() < 0.12:
        text += rng.choice((".", ".", "!", "?", "!", "...")) if not text.endswith("?") else ""
    if rng.random() < 0.3:
        text = text[:1].upper() + text[1:]
    return text


def _outside_names(text: str, change: object) -> str:
    assert callable(change)
    kept = _KEPT.findall(text)
    pieces = [change(piece) for piece in _KEPT.split(text)]
    return "".join(piece + name for piece, name in zip(pieces, [*kept, ""], strict=True))


def _typo(text: str, rng: Random) -> str:
    """One slip in a word of four letters or more, never in its first letter, a name or a number word."""
    names = [m.span() for m in _KEPT.finditer(text)]
    words = [m for m in _WORD.finditer(text) if len(m.group()) >= 4 and not any(a <= m.start() < b for a, b in names)]
    words = [m for m in words if m.group() not in _TELLING]
    if not words:
        return text
    word = rng.choice(words)
    at = word.start() + rng.randrange(1, len(word.group()))
    return text[:at] + _slip(text[at:], rng)


def _slip(tail: str, rng: Random) -> str:
    letter = tail[0]
    kind = rng.random()
    if kind < 0.3 or letter == "'":
        return tail[1:]
    if kind < 0.55 and len(tail) > 1 and tail[1].isalpha():
        return tail[1] + letter + tail[2:]
    if kind < 0.75:
        return letter + tail
    return rng.choice(_NEIGHBOURS[letter]) + tail[1:]


_TELLING = frozenset(
    listed("""
four five seven nine thirteen thirty fourteen forty fifteen fifty sixteen sixty seventeen seventy eighteen eighty
nineteen ninety open close lock unlock mute unmute less more half
""")
)
