"""Formats as a choice: which are priced, which goes first, and with which words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm.catalog import device
from edgeslm.catalog.profile import Profile, Runtime
from edgeslm.planning import plan
from edgeslm.profiler.aim import Aim
from edgeslm.profiler.contender import Contender, Observed
from edgeslm.profiler.figure import exact
from edgeslm.profiler.format_choice import both_timed, format_notes, working_formats
from edgeslm.profiler.format_reason import with_format_reason
from edgeslm.profiler.outlook import estimated
from edgeslm.profiler.plan import plan as plan_variants
from edgeslm.profiler.probe.record import Record, Row, write_record
from edgeslm.profiler.ranking import order
from edgeslm.profiler.select import select
from support.specs import HOME

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm.profiler.candidate import Candidate

BOARD = device("raspberry-pi-5")
RUNS, NOTHING = Runtime("9.9.9", "a wheel", source="x"), Runtime(None, "no wheel", source="x")


def both(profile: Profile) -> tuple[Candidate, Candidate]:
    planned = plan_variants("home", HOME, profile, recipes=["wi8-afp32"], formats=["onnx", "tflite"])
    return next(c for c in planned.kept if c.format == "onnx"), next(c for c in planned.kept if c.format == "tflite")


def with_speed(candidate: Candidate, tokens_s: float) -> Candidate:
    speed = replace(candidate.estimate.decode_tps, value=tokens_s)
    return replace(candidate, estimate=replace(candidate.estimate, decode_tps=speed))


@pytest.mark.parametrize(
    ("onnxruntime", "litert", "formats"),
    [
        (RUNS, RUNS, ("onnx", "tflite")),
        (RUNS, None, ("onnx",)),
        (RUNS, NOTHING, ("onnx",)),
        (NOTHING, RUNS, ("tflite",)),
        (NOTHING, NOTHING, ("onnx",)),  # so that the plan has reasons to give
        (NOTHING, None, ("onnx",)),
    ],
)
def test_formats_are_those_whose_runtime_works(
    onnxruntime: Runtime, litert: Runtime | None, formats: tuple[str, ...]
) -> None:
    assert working_formats(replace(BOARD, onnxruntime=onnxruntime, litert=litert)) == formats


def test_a_plan_without_a_format_prices_both_and_says_why_one_goes_first() -> None:
    planned = plan(device="raspberry-pi-5")
    assert {candidate.format for candidate in planned.kept} == {"onnx", "tflite"}
    assert planned.kept[0].format == "onnx"  # estimates are equal
    assert any(note.startswith("onnx (") and "onnx goes first" in note for note in planned.notes)
    named = plan(device="raspberry-pi-5", formats=["onnx"])
    assert {candidate.format for candidate in named.candidates} == {"onnx"}
    assert not any(" before " in note for note in named.notes)


def test_times_that_rest_on_a_probe_need_no_lead_and_peaks_do() -> None:
    onnx, tflite = both(BOARD)
    quicker = with_speed(tflite, 1.06 * onnx.estimate.decode_tps.value)

    def first(aim: Aim, *, timed: bool) -> str:
        def key(candidate: Candidate) -> tuple[float, ...]:
            return order(candidate, estimated(candidate, aim.task), aim, timed=timed)

        return min(onnx, quicker, key=key).format

    assert first(Aim("decode"), timed=False) == "onnx"
    assert first(Aim("decode"), timed=True) == "tflite"
    peak = replace(onnx.estimate.peak_bytes, value=0.95 * onnx.estimate.peak_bytes.value)
    quicker = replace(tflite, estimate=replace(tflite.estimate, peak_bytes=peak))
    assert first(Aim("memory"), timed=True) == "onnx"


def test_both_runtimes_are_timed_where_a_probe_has_rows_of_each(tmp_path: Path) -> None:
    def probed(*formats: str) -> Profile:
        rows = tuple(Row("small", 6, form, "fp32", 1, rows, 0, 0.01 * rows) for form in formats for rows in range(1, 9))
        path = tmp_path / f"{'-'.join(formats)}.json"
        write_record(Record("here", "a machine", (), "2026-01-01T00:00:00+00:00", 0, 60.0, rows), path)
        return replace(BOARD, probed=path)

    assert both_timed(probed("onnx", "tflite"))
    assert not both_timed(probed("onnx"))
    assert not both_timed(probed("tflite"))
    assert not both_timed(BOARD)


def test_a_runtime_of_which_nothing_is_known_is_said() -> None:
    (note,) = format_notes(replace(BOARD, litert=None), ())
    assert note == "nothing is known of ai-edge-litert on raspberry-pi-5: TFLite is planned only when --format names it"


def test_the_faster_and_the_smaller_format_is_called_so() -> None:
    onnx, tflite = both(BOARD)
    quick = with_speed(tflite, 2 * onnx.estimate.decode_tps.value)
    (note,) = format_notes(BOARD, [quick, onnx])
    assert note.startswith("tflite (wi8-afp32) before onnx (wi8-afp32): ")
    assert note.endswith(f"(estimated on {BOARD.name}); it is faster")


def test_a_selection_of_both_compares_what_was_measured_on_one_machine() -> None:
    def seen(tokens_s: float, peak: float, on: str) -> Observed:
        return Observed(exact(peak, "bytes", "measured", on), exact(tokens_s, "tokens/s", "measured", on))

    here = device("here")
    onnx, tflite = both(here)
    contenders = [Contender(onnx, seen(100, 90e6, "host")), Contender(tflite, seen(300, 60e6, "host"))]
    chosen = with_format_reason(select(contenders, here, plan(device="here").aim, gated=False))
    assert chosen.winner is not None
    assert chosen.winner.candidate.format == "tflite"
    assert "300 tok/s against 100 tok/s" in chosen.notes[-1]
    assert chosen.notes[-1].endswith("(measured on host); it is faster and takes less memory")
    alone = select(contenders[:1], here, plan(device="here").aim, gated=False)
    assert with_format_reason(alone) == alone
