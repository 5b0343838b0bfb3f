"""The generator: a meaning and a sentence for it, again and again, from a seed.

First the kind is drawn (one step, two, three, or nothing to do), then a family, a template, and the slots in the order
they are said. Around the sentence come a time, politeness, a reason beside it, a correction, and wear. What the split
holds out is drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from . import combined_steps, slots, times
from .draw import Draw
from .grammar import Template, parse, render
from .split import Step, Value, compact, held_out_combination, held_out_template, seen_only
from .surface import IMPERATIVES, aside, is_command, polite, worn
from .tables import listed
from .templates import (
    appliances,
    climate,
    clock,
    combined,
    covers,
    lights,
    media,
    nothing,
    questions,
    safety,
    switching,
)
from .vocabulary import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .templates.family import Family

ACTING = (
    *switching.FAMILIES, *lights.FAMILIES, *climate.FAMILIES, *covers.FAMILIES, *appliances.FAMILIES, *media.FAMILIES,
    *clock.FAMILIES, *safety.FAMILIES, *questions.FAMILIES,
)  # fmt: skip
FAMILIES = (*ACTING, *nothing.FAMILIES)
TEMPLATES = tuple(dict.fromkeys(t for family in FAMILIES for t in family.templates)) + combined.COMBINED

CHUNK = 4096


@dataclass(frozen=True)
class Mixture:
    """How often what is drawn."""

    nothing: float = 0.13
    two_steps: float = 0.18
    three_steps: float = 0.12
    combined: float = 0.4
    when: float = 0.13
    aside: float = 0.07
    correction: float = 0.012
    there: float = 0.08
    unseen: bool = False


@dataclass(frozen=True)
class Example:
    """A sentence, the JSON it means, and whether the split would ever train on it."""

    prompt: str
    steps: tuple[Step, ...]
    kind: str
    unseen_template: bool
    unseen_combination: bool

    @property
    def expected(self) -> Step | list[Step]:
        """One object for one step, an array for more."""
        return self.steps[0] if len(self.steps) == 1 else list(self.steps)

    @property
    def output(self) -> str:
        """The JSON the model is to write."""
        return compact(self.expected)


class Generator:
    """Draws sentences; with `unseen` in the mixture also from what is held out of training."""

    def __init__(self, rng: Random, mixture: Mixture | None = None) -> None:
        self.rng = rng
        self.mixture = mixture or Mixture()
        self.pools = {f.name: _pool(f.templates, self.mixture.unseen) for f in FAMILIES}
        self.commands = {
            name: tuple(t for t in pool if t.text.split()[0] in IMPERATIVES) for name, pool in self.pools.items()
        }
        self.combined = combined.COMBINED if self.mixture.unseen else seen_only(combined.COMBINED)
        self.acting = _weights(ACTING, self.pools)
        self.silent = _weights(nothing.FAMILIES, self.pools)

    def example(self) -> Example:
        """One sentence, whatever the split says about it."""
        mix, kind = self.mixture, self.rng.random()
        if kind < mix.nothing:
            return self._single(nothing.FAMILIES, self.silent)
        if kind < mix.nothing + mix.two_steps:
            return self.listed(2)
        if kind < mix.nothing + mix.two_steps + mix.three_steps:
            return self.listed(3)
        return self._single(ACTING, self.acting)

    def seen(self) -> Example:
        """One sentence that may be trained on."""
        while True:
            example = self.example()
            if not example.unseen_combination and not example.unseen_template:
                return example

    def _single(self, families: tuple[Family, ...], weights: list[float]) -> Example:
        family = self.rng.choices(families, weights)[0]
        template = self.rng.choice(self.pools[family.name])
        text, draw = self._say(family, template)
        step = ordered(draw.step)
        if "{cmd}" in template.text:
            return self._example(
                text, [step], "none", draw.unseen_form or held_out_template(template.text), finished=True
            )
        text = self._timed(text, family, template, step, single=True)
        name = "none" if families is nothing.FAMILIES else "one"
        if name == "one" and self.rng.random() < self.mixture.correction:
            text, step = self._taken_back(text, step)
        return self._example(text, [step], name, draw.unseen_form or held_out_template(template.text))

    def _say(
        self, family: Family, template: Template, room: str | None = None, there: bool = False
    ) -> tuple[str, Draw]:
        draw = Draw(
            self.rng, dict(family.base), not self.mixture.unseen, family.devices, room=family.room, whole=family.whole
        )
        if room is not None:
            draw.place = combined_steps.PLACES.get(room)
            draw.there = room if there else None
        draw.settle(template.slots)
        draw.step.update(template.meaning)

        def fill(slot: str) -> str:
            return self._command(draw) if slot == "cmd" else slots.fill(draw, slot)

        text = render(template.parts, self.rng, fill)
        draw.step.update(template.meaning)
        if family.base["action"] == "none":
            draw.step = {"action": "none"}
        return text, draw

    def _command(self, outer: Draw) -> str:
        """A command inside another sentence; its meaning is dropped."""
        while True:
            family = self.rng.choices(ACTING, self.acting)[0]
            if self.commands[family.name]:
                break
        template = self.rng.choice(self.commands[family.name])
        text, draw = self._say(family, template)
        outer.unseen_form |= draw.unseen_form or held_out_template(template.text)
        return text

    def _timed(self, text: str, family: Family, template: Template, step: Step, single: bool) -> str:
        if not family.when or step["action"] == "none" or self.rng.random() >= self.mixture.when:
            return text
        if not (is_command(text) or template.slots & {"t", "d"}) or "{inq}" in template.text:
            return text
        meaning, words = times.when(
            self.rng,
            may_last=step["action"] in ("turn_on", "set", "open", "start", "play", "arm", "unlock", "mute", "pause"),
        )
        complete = ordered({**step, **meaning})
        step.clear()
        step.update(complete)
        if single and self.rng.random() < 0.22:
            return f"{words}{self.rng.choice((' ', ', '))}{text}"
        return f"{text} {words}"

    def _taken_back(self, text: str, step: Step) -> tuple[str, Step]:
        """Another command first, taken back by this one."""
        family = self.rng.choices(ACTING, self.acting)[0]
        if not self.commands[family.name] or not is_command(text):
            return text, step
        wrong, _draw = self._say(family, self.rng.choice(self.commands[family.name]))
        link = self.rng.choice(
            (
                ", no, ",
                ", no wait, ",
                ", actually no, ",
                ", scratch that, ",
                ", forget that, ",
                ", i mean ",
                ", sorry, ",
                " no, actually ",
                ", never mind, ",
                ", wait, no, ",
            )
        )
        return wrong + link + text, step

    # --- lists

    def listed(self, count: int) -> Example:
        """Two or three steps in one sentence."""
        if self.rng.random() < self.mixture.combined:
            line = self.rng.choice(self.combined)
            while len(line.partition("|")[0].split()) != count:
                line = self.rng.choice(self.combined)
            text, steps, unseen = combined_steps.say(line, self.rng, not self.mixture.unseen)
            steps = [ordered(step) for step in steps]
            return self._example(text, steps, _LISTS[count], unseen or held_out_template(line))
        return self._joined(count)

    def _joined(self, count: int) -> Example:
        texts: list[str] = []
        steps: list[Step] = []
        unseen = False
        room: str | None = None
        for _ in range(count):
            text, step, hidden = self._clause(room, first=not texts)
            unseen |= hidden
            texts.append(text)
            steps.append(step)
            said = step.get("room")
            room = said if isinstance(said, str) and said in combined_steps.PLACES else None
        return self._example(self._join(texts), steps, _LISTS[count], unseen)

    def _clause(self, room: str | None, first: bool) -> tuple[str, Step, bool]:
        while True:
            family = self.rng.choices(ACTING, self.acting)[0]
            pool = (
                self.commands[family.name]
                if self.rng.random() < 0.88 and self.commands[family.name]
                else self.pools[family.name]
            )
            template = self.rng.choice(pool)
            again = room is not None and not first and self.rng.random() < self.mixture.there * 2.5
            text, draw = self._say(family, template, room if again else None, there=again)
            if again and (draw.there is not None or draw.step.get("room") != room):
                continue
            step = ordered(draw.step)
            if not ({"at", "in", "for", "days"} & step.keys()):
                text = self._timed(text, family, template, step, single=False) if self.rng.random() < 0.6 else text
            return text, step, draw.unseen_form or held_out_template(template.text)

    def _join(self, texts: list[str]) -> str:
        if len(texts) == 2:
            link = self.rng.choice(_TWO)
            return link.format(*texts)
        return self.rng.choice(_THREE).format(*texts)

    def _example(self, text: str, steps: list[Step], kind: str, unseen: bool, finished: bool = False) -> Example:
        if not finished and kind != "none":
            text = polite(text, self.rng)
            if self.rng.random() < self.mixture.aside:
                text = aside(text, self.rng)
        elif kind == "none" and self.rng.random() < 0.12:
            text = polite(text, self.rng)
        return Example(worn(text, self.rng), tuple(steps), kind, unseen, any(held_out_combination(s) for s in steps))


_LISTS = {2: "two", 3: "three"}
_TWO = listed(
    """
{} and {} | {} and {} | {} and {} | {} and {} | {} and {} | {} and then {} | {}, then {} | {} then {} |
{}, and {} | {}, {} | {} and also {} | {}, and also {} | {}. then {} | {} and after that {} |
{}, after that {} | first {}, then {} | first {} and then {} | {}. {} | {}, and then {} | {} as well as {} |
{}, also {} | {} plus {} | {}. also {} | {} & {} | {} and please {} | {} and could you also {} |
{}, and please {} | {} and now {} | {}; {} | {}. and {} | {} and afterwards {}
""",
    "|",
)
_THREE = listed(
    """
{}, {} and {} | {}, {} and {} | {}, {} and {} | {}, {} and {} | {}, {}, and {} | {}, {}, and {} |
{} and {} and {} | {} and {} and {} | {}, then {}, then {} | {}, then {} and {} | {} and {}, then {} |
{}, {}, {} | {}, {}, then {} | {}, {} and then {} | first {}, then {}, and finally {} |
first {}, then {} and then {} | {} then {} then {} | {} and then {} and {} | {} and {} and then {} |
{}. then {} and {} | {}. {}. {} | {}, {} and also {} | {}, and {}, and {} | {} and also {} and {} |
{}, {} and finally {} | {}, after that {} and {} | {} and {}. also {} | first {}, second {}, third {} |
{}; {}; {} | {}, {}, and then {}
""",
    "|",
)


def ordered(step: dict[str, Value]) -> Step:
    """The step with its keys in the order of the schema."""
    return {key: step[key] for key in KEYS if key in step}


def stream(seed: int, start: int = 0) -> Iterator[Example]:
    """Training examples from a seed, for ever, from chunk `start` on; a chunk depends on the seed and its number."""
    chunk = start
    generator = Generator(Random())
    while True:
        generator.rng.seed(f"{seed}:{chunk}")
        for _ in range(CHUNK):
            yield generator.seen()
        chunk += 1


def _pool(templates: tuple[str, ...], unseen: bool) -> tuple[Template, ...]:
    return tuple(parse(t) for t in (templates if unseen else seen_only(templates)))


def _weights(families: tuple[Family, ...], pools: dict[str, tuple[Template, ...]]) -> list[float]:
    return [len(pools[f.name]) ** 0.85 * f.share for f in families]
