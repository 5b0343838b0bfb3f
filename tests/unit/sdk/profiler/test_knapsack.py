from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edgeslm.profiler.knapsack import Mix, Option, best_within, pareto_front, reasons, smallest_below
from edgeslm_exporters.recipe import TENSOR_CLASSES, Quantization, TensorClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Classes = Mapping[TensorClass, Sequence[Option]]

INT4, INT8 = Quantization(4, 32, symmetric=True), Quantization(8, 32, symmetric=True)

# Divergences are multiples of 1/1024, so that sums are exact in any order; small ranges make ties common.
options = st.builds(Option, st.just(INT4), st.integers(0, 12), st.integers(0, 12).map(lambda count: count / 1024))
classes = st.integers(1, len(TENSOR_CLASSES)).flatmap(
    lambda count: st.fixed_dictionaries(
        {name: st.lists(options, min_size=1, max_size=4) for name in TENSOR_CLASSES[:count]}
    )
)


def every_mix(given_classes: Classes) -> list[Mix]:
    """The oracle: all combinations."""
    return [Mix(dict(zip(given_classes, chosen, strict=True))) for chosen in product(*given_classes.values())]


@given(classes, st.integers(0, 60))
def test_the_best_mix_within_a_size_is_that_of_brute_force(given_classes: Classes, most: int) -> None:
    fitting = [mix.kld for mix in every_mix(given_classes) if mix.bytes <= most]
    found = best_within(pareto_front(given_classes), most)
    if found is None:
        assert not fitting
    else:
        assert found.bytes <= most
        assert found.kld == min(fitting)


@given(classes, st.integers(0, 60))
def test_the_smallest_mix_below_a_divergence_is_that_of_brute_force(given_classes: Classes, count: int) -> None:
    most = count / 1024
    exact_enough = [mix.bytes for mix in every_mix(given_classes) if mix.kld <= most]
    found = smallest_below(pareto_front(given_classes), most)
    if found is None:
        assert not exact_enough
    else:
        assert found.kld <= most
        assert found.bytes == min(exact_enough)


@given(classes)
def test_the_front_gains_exactness_with_every_byte_and_has_one_option_a_class(given_classes: Classes) -> None:
    front = pareto_front(given_classes)
    assert all(a.bytes < b.bytes and a.kld > b.kld for a, b in pairwise(front))
    assert all(mix.options[name] in given_classes[name] for mix in front for name in given_classes)


@given(classes)
def test_no_uniform_choice_within_its_size_is_expected_to_be_better(given_classes: Classes) -> None:
    front = pareto_front(given_classes)
    for mix in every_mix(given_classes):
        best = best_within(front, mix.bytes)
        assert best is not None
        assert best.kld <= mix.kld


def test_reasons_name_every_class_and_what_less_would_cost() -> None:
    small, large = Option(INT4, 2 * 2**20, 0.02), Option(INT8, 5 * 2**20, 0.001)
    given_classes: Classes = {"down": [small, large], "table": [small]}
    told = reasons(Mix({"down": large, "table": small}), given_classes)
    assert told == (
        "down i8b32: 5.00 MB, KL 0.00100; i4b32 would save 3.00 MB and cost +0.01900",
        "table i4b32: 2.00 MB, KL 0.02000; nothing is smaller",
    )
