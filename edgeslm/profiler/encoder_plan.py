"""What would be built of an encoder for a board: the same plan as a decoder's, from the same headers.

An encoder reads a text in one pass and writes nothing, so it has no KV cache, and both rates of its estimate are the
one at which it reads. Sizes are estimated, since optimum decides what of a checkpoint becomes part of the graph. The
peak counts the weights as loaded, products once more while they are packed, and a text's activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.catalog.accelerators import mentions
from edgeslm.profiler.aim import FASTEST
from edgeslm.profiler.candidate import Candidate, variant_name
from edgeslm.profiler.estimate import (
    FLOAT_SHARE,
    LAYER_CYCLES,
    OTHER_RUNTIME,
    Estimate,
    Span,
    prompt_tokens,
)
from edgeslm.profiler.figure import exact
from edgeslm.profiler.plan import Plan, assembled
from edgeslm.profiler.variants import bounded
from edgeslm_agent.errors import UsageError
from edgeslm_exporters.encoder.recipes import ENCODER_RECIPES, INTEGER, parse_encoder_recipe
from edgeslm_exporters.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeslm.catalog import Profile
    from edgeslm.profiler.aim import Aim
    from edgeslm_agent.contract.manifest import EncoderSizes
    from edgeslm_exporters.encoder.recipes import EncoderRecipe

MB = 2**20
RUNTIME = Span(72 * MB, 55 * MB, 96 * MB)  # interpreter, numpy, tokenizers, onnxruntime, MQTT, an idle session
TOKENIZER_PER_ENTRY = Span(380, 200, 600)  # bytes: vocabularies of 32 k and 50 k entries took 15-19 MB
# Relative error of weights rounded per channel (prior.py), and, for calibrated ranges, of activations rounded as well.
ERRORS: dict[EncoderRecipe, float] = {"fp32": 0.0, "wi8-afp32": 0.0075, "wi8-ai8": 0.015, "wi8t-ai8": 0.02}
WRITTEN = {"onnx": tuple(recipe for recipe in ENCODER_RECIPES if recipe != "wi8t-ai8"), "tflite": INTEGER}
PACKAGES = {"onnx": "onnxruntime", "tflite": "ai-edge-litert"}
SIZE_RANGE = (0.95, 1.05)
# Arithmetic: an instruction multiplies 4 floats, or 8 bytes together with the one that adds the products up.
FLOAT_SHARE_WITHOUT_DOT = Span(0.7, 0.5, 1.0)


@dataclass(frozen=True)
class EncoderModel:
    """What a plan must know of an encoder: its sizes, and the longest text in tokens."""

    name: str
    sizes: EncoderSizes
    vocab: int
    parameters: int
    max_tokens: int

    @property
    def products(self) -> int:
        """Weights that are multiplied with: four matrices of attention and two of the MLP in each layer."""
        sizes = self.sizes
        return sizes.layers * (4 * sizes.hidden**2 + 2 * sizes.hidden * sizes.inner)


class EncoderPlan(Plan):
    """The candidates for one encoder on one board."""

    @property
    def to_try(self) -> tuple[Candidate, ...]:
        """What to build until one passes the gate: the best, then each that is more exact than those before it."""
        steps: list[Candidate] = []
        for candidate in self.kept:
            if not steps or candidate.weight_error < steps[-1].weight_error:
                steps.append(candidate)
        return tuple(steps)


def plan_encoder(
    model: EncoderModel,
    profile: Profile,
    *,
    recipes: Sequence[str] = (),
    formats: Sequence[str] = ("onnx",),
    context: int | None = None,
    aim: Aim = FASTEST,
) -> EncoderPlan:
    """Plan an encoder for a board; all recipes of encoders, and its own longest text, unless given.

    Raises UsageError for an unknown recipe, format or a context outside the model's, or what only decoders have.
    """
    if unknown := [form for form in formats if form not in FORMATS]:
        raise UsageError(f"there is no format '{unknown[0]}'", f"the formats are {', '.join(FORMATS)}")
    tokens = context or model.max_tokens
    if not 2 < tokens <= model.max_tokens:
        raise UsageError(
            f"a context of {tokens} tokens does not go with {model.name}",
            f"it reads texts of up to {model.max_tokens} tokens, of which the special ones take two",
        )
    if aim.task is not None or aim.limits.answer_s is not None or aim.limits.decode_tps is not None:
        raise UsageError("an encoder writes no answer", "use --max-first-token: it is the time of reading one text")
    names = [parse_encoder_recipe(recipe) for recipe in dict.fromkeys(recipes)]
    candidates = [
        bounded(_candidate(model, recipe, profile, form=form, tokens=tokens), profile, aim)
        for form in formats
        for recipe in names or WRITTEN[form]
    ]
    return EncoderPlan(**vars(assembled(model.name, profile, tokens, aim, candidates)))


def weights_bytes(model: EncoderModel, recipe: EncoderRecipe) -> int:
    """Return about how large the file of weights becomes: codes a byte each, everything else fp32."""
    coded = 0 if recipe == "fp32" else model.products + model.vocab * model.sizes.hidden
    scales = 0 if recipe == "fp32" else model.vocab + model.products // model.sizes.hidden
    return coded + 4 * (model.parameters - coded + scales)


def estimate_encoder(
    model: EncoderModel, recipe: EncoderRecipe, tokens: int, profile: Profile, *, padded: bool = False
) -> Estimate:
    """Predict one recipe on the board of `profile`, for texts of `tokens` at most; `padded`: each takes as long as one.

    The rate is that of tokens which are no padding.
    """
    on, low, high = profile.name, *SIZE_RANGE
    weights = weights_bytes(model, recipe)
    runtime = Span(
        *(base + entry * model.vocab for base, entry in zip(_parts(RUNTIME), _parts(TOKENIZER_PER_ENTRY), strict=True))
    )
    usual, full = (_activations(model, length) for length in (prompt_tokens(tokens), tokens))
    packed = model.products * (4 if recipe == "fp32" else 1)
    seconds = _seconds(model, recipe, tokens if padded else prompt_tokens(tokens), profile)
    rate = Span(*(prompt_tokens(tokens) / each for each in (seconds.value, seconds.high, seconds.low)))
    return Estimate(
        weights_bytes=Span(weights, weights * low, weights * high).figure("bytes", on),
        kv_cache_bytes=exact(0, "bytes", "estimated", on),
        activations_bytes=Span(full, usual, 1.5 * full).figure("bytes", on),
        runtime_bytes=runtime.figure("bytes", on),
        peak_bytes=Span(
            runtime.value + weights + full,
            runtime.low + weights * low + usual,
            runtime.high + weights * high + packed + 1.5 * full,
        ).figure("bytes", on),
        decode_tps=rate.figure("tokens/s", on),
        prefill_tps=rate.figure("tokens/s", on),
        first_token_s=seconds.figure("s", on),
    )


def _candidate(model: EncoderModel, recipe: EncoderRecipe, profile: Profile, *, form: str, tokens: int) -> Candidate:
    figures = estimate_encoder(model, recipe, tokens, profile, padded=form == "tflite")
    reasons = tuple(_form_reasons(form, recipe, profile))
    weights = weights_bytes(model, recipe)
    return Candidate(
        variant=variant_name(model.name, recipe, form, tokens),
        recipe=recipe,
        format=form,
        context=tokens,
        kept=not reasons,
        reasons=reasons,
        effective_bits=round(8 * weights / model.parameters, 4),
        weight_error=ERRORS[recipe],
        read_bytes=weights,
        estimate=figures,
    )


def _form_reasons(form: str, recipe: EncoderRecipe, profile: Profile) -> Iterator[str]:
    if recipe not in WRITTEN[form]:
        yield f"{recipe} of an encoder is not written as {form}: {', '.join(WRITTEN[form])} are"
    runtime = profile.onnxruntime if form == "onnx" else profile.litert
    if runtime is not None and runtime.newest is None:
        yield f"no {PACKAGES[form]} to install on {profile.name}: {runtime.how}"
    for mention in mentions(profile) if form == "tflite" else ():
        needed = mention.driver.form
        if needed.format == form and needed.recipe in INTEGER and needed.recipe != recipe:
            yield f"the {mention.driver.title} needs {needed.recipe}: {mention.driver.precision}"


def _activations(model: EncoderModel, tokens: int) -> int:
    """Return the bytes of a layer's tensors at once: the MLP's inner width, a few of the model's, the scores."""
    sizes = model.sizes
    return 4 * (tokens * (2 * sizes.inner + 6 * sizes.hidden) + 2 * sizes.heads * tokens * tokens)


def _seconds(model: EncoderModel, recipe: EncoderRecipe, tokens: int, profile: Profile) -> Span:
    """Return the seconds of one pass: the products at the board's rate, attention in floats, a constant a layer."""
    rate = profile.speed.prefill_gmac_s
    slower, faster = OTHER_RUNTIME[rate.basis]
    floats = FLOAT_SHARE if profile.target().int8_dot_product else FLOAT_SHARE_WITHOUT_DOT
    share = floats if recipe == "fp32" else Span(1, 1, 1)
    cycles = profile.cores[0].max_mhz * 1e6
    products = tokens * model.products / 1e9
    attention = 2 * tokens * tokens * model.sizes.hidden * model.sizes.layers / 1e9 / FLOAT_SHARE.value
    return Span(
        *(
            products / (reached * part) + attention / reached + model.sizes.layers * layer / cycles
            for reached, part, layer in (
                (rate.value, share.value, LAYER_CYCLES.value),
                (rate.value * faster, share.high, LAYER_CYCLES.low),
                (rate.value * slower, share.low, LAYER_CYCLES.high),
            )
        )
    )


def _parts(span: Span) -> tuple[float, float, float]:
    return span.value, span.low, span.high
