"""The generator: one seed, one stream; every meaning follows the schema; nothing held out is ever trained on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from edgeslm.builtin.training import noun_phrases, sentences, vocabulary
from edgeslm.builtin.training.sentences import Example, Generator, Mixture, stream
from edgeslm.builtin.training.split import (
    COMBINATION_SHARE,
    TEMPLATE_SHARE,
    Step,
    compact,
    held_out_combination,
    held_out_template,
)

SIZE = 4000
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|sunset|sunrise")
ALLOWED: dict[str, set[str]] = {
    "action": set(vocabulary.ACTIONS),
    "device": vocabulary.DEVICE_KEYS,
    "room": vocabulary.PLACE_KEYS,
    "except": vocabulary.PLACE_KEYS,
    "property": set(vocabulary.PROPERTIES),
    "unit": set(vocabulary.UNITS),
    "color": set(vocabulary.COLORS),
    "mode": set(vocabulary.MODES),
    "days": set(vocabulary.DAYS),
}
LENGTH = re.compile(r"\d+s|\d+m|\d+h(\d+m)?")


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(islice(stream(7), SIZE))


def test_same_seed_same_stream(examples: list[Example]) -> None:
    assert list(islice(stream(7), 500)) == examples[:500]


def test_other_seed_other_stream(examples: list[Example]) -> None:
    assert list(islice(stream(8), 50)) != examples[:50]


def test_a_chunk_depends_on_its_number_alone() -> None:
    later = list(islice(stream(7), sentences.CHUNK, sentences.CHUNK + 50))
    assert list(islice(stream(7, start=1), 50)) == later


def problems(step: Step) -> list[str]:
    """What a step breaks in the schema; empty where nothing."""
    found = [f"{key} may not be {step[key]}" for key in ALLOWED.keys() & step.keys() if step[key] not in ALLOWED[key]]
    found += ["keys out of order"] * (list(step) != [key for key in vocabulary.KEYS if key in step])
    found += ["no action"] * ("action" not in step)
    found += ["none has keys"] * (step.get("action") == "none" and len(step) > 1)
    found += ["value is no number"] * (not isinstance(step.get("value", 0), (int, float)))
    found += ["not a time"] * (not TIME.fullmatch(str(step.get("at", "12:00"))))
    found += ["not a length"] * any(not LENGTH.fullmatch(str(step[key])) for key in ("in", "for") if key in step)
    found += ["a name in capitals"] * (str(step.get("name", "")) != str(step.get("name", "")).lower())
    return found


def test_every_step_follows_the_schema(examples: list[Example]) -> None:
    assert [(e.prompt, p) for e in examples for step in e.steps for p in problems(step)] == []


def test_one_step_is_an_object_and_more_an_array(examples: list[Example]) -> None:
    for example in examples:
        value = json.loads(example.output)
        assert isinstance(value, dict) == (len(example.steps) == 1)
        assert 1 <= len(example.steps) <= 3


def test_no_held_out_combination_is_trained_on(examples: list[Example]) -> None:
    assert not any(held_out_combination(step) for e in examples for step in e.steps)


def test_no_held_out_template_is_in_a_training_pool() -> None:
    generator = Generator(Random(1))
    pools = [t.text for pool in (*generator.pools.values(), *generator.commands.values()) for t in pool]
    forms = [form for pool in noun_phrases.SEEN_FORMS.values() for form in pool]
    assert not any(held_out_template(text) for text in (*pools, *forms, *generator.combined))


def test_nothing_of_the_stream_is_marked_unseen(examples: list[Example]) -> None:
    assert not any(e.unseen_template or e.unseen_combination for e in examples)


def test_every_family_and_form_can_still_be_trained() -> None:
    generator = Generator(Random(1))
    assert all(generator.pools.values())
    assert all(noun_phrases.SEEN_FORMS.values())


def test_there_are_twice_as_many_templates_as_in_the_trial() -> None:
    assert len(set(sentences.TEMPLATES)) >= 1600


def test_the_hash_holds_out_about_its_share() -> None:
    held = sum(map(held_out_template, sentences.TEMPLATES))
    assert 0.8 < held * TEMPLATE_SHARE / len(sentences.TEMPLATES) < 1.2
    generator = Generator(Random(3))
    steps = {compact(s) for _ in range(3000) for s in generator.example().steps if len(s) >= 3}
    held = sum(held_out_combination(json.loads(text)) for text in steps)
    assert 0.6 < held * COMBINATION_SHARE / len(steps) < 1.4


def test_the_mixture_is_what_it_says() -> None:
    mixture = Mixture()
    generator = Generator(Random(5), replace(mixture, unseen=True))
    kinds = [generator.example().kind for _ in range(SIZE)]
    expected = {"none": mixture.nothing, "two": mixture.two_steps, "three": mixture.three_steps}
    for kind, share in expected.items():
        assert kinds.count(kind) / SIZE == pytest.approx(share, abs=0.03)


def test_open_names_are_a_tenth(examples: list[Example]) -> None:
    named = sum(any("name" in step and step.get("device") != "scene" for step in e.steps) for e in examples)
    assert named / len(examples) > 0.08


def test_every_action_is_trained(examples: list[Example]) -> None:
    assert {str(step["action"]) for e in examples for step in e.steps} == set(vocabulary.ACTIONS)
