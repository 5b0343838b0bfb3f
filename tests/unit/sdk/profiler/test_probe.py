from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from edgeslm.catalog import device
from edgeslm.cli.main import main
from edgeslm.profiler import reach
from edgeslm.profiler.calibration import calibrate
from edgeslm.profiler.endurance import energy, sustained
from edgeslm.profiler.estimate import estimate
from edgeslm.profiler.figure import exact
from edgeslm.profiler.passes import Pass, prompt_passes, step_pass
from edgeslm.profiler.probe import session, worker
from edgeslm.profiler.probe.children import workplace
from edgeslm.profiler.probe.graphs import DEEP, GRAPHS, LARGE, sized, write_checkpoint
from edgeslm.profiler.probe.record import MOST_PROBES, Record, Row, absurd, read_record, write_record
from edgeslm.profiler.reach import time_of
from edgeslm.profiler.speed import Constants, seconds
from edgeslm.profiler.task import Task
from edgeslm_agent.errors import ConfigError, EnvironmentProblem
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.formats import layout
from edgeslm_exporters.onnx.layout import Layout
from edgeslm_exporters.recipe import parse_recipe
from support.specs import spec_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeslm_agent.engine.runtime.port import Runtime

TRUTH = Constants(4e9, 3e9, 6e9, 2e-5, attention_rate=2e9, call_s=4e-5, scale_cost=9)
PASSES = ((1, 16), (1, 800), (8, 0), (32, 0), (128, 0), (128, 768))
MODEL = "smollm2-135m-instruct"


def places(recipe: str = "wi4b32-afp32", context: int = 1024) -> Layout:
    found = layout("onnx", spec_named(MODEL), parse_recipe(recipe), context)
    assert isinstance(found, Layout)
    return found


def made_up(
    recipes: tuple[str, ...] = ("wi4b32-afp32", "wi8-afp32"), truth: Constants = TRUTH, **changes: object
) -> Record:
    """Return the record of a machine that obeys the physics exactly."""
    rows = []
    for graph in GRAPHS.values():
        for recipe in recipes:
            for threads in (1, 4):
                for count, past in PASSES:
                    row = Row(graph.name, graph.layers, "onnx", recipe, threads, count, past, 1.0)
                    rows.append(replace(row, seconds=seconds(reach._measurement(row, 0).case.work, truth)))
    known = Record("here", "a machine", (), "2026-01-01T00:00:00+00:00", 0, 60.0, tuple(rows))
    return replace(known, **changes)  # type: ignore[arg-type]


def wanted(one: Pass, threads: int) -> float:
    """Return what a pass takes in use on the machine that is made up."""
    return reach.IN_USE * seconds(reach.case(places(), one, threads, 0, MODEL).work, TRUTH)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("one", [Pass(1, 100), Pass(1, 900), Pass(128, 128), Pass(64, 0)])
def test_a_model_nobody_timed_is_predicted_from_graphs_that_were(one: Pass, threads: int) -> None:
    found = time_of(made_up(), places(), (one,), threads, MODEL)
    beside = reach.ENGINE_STEP_S * (one.rows == 1)
    assert found.seconds - beside == pytest.approx(wanted(one, threads), rel=0.25)
    assert found.low < wanted(one, threads) + beside < found.high


def test_a_form_that_nobody_timed_has_a_wider_range() -> None:
    def width(recipe: str) -> float:
        found = time_of(made_up(), places(recipe), step_pass(places(recipe), 100), 4, MODEL)
        return found.high / found.low

    assert width("wi4b128-afp32") > 1.2 * width("wi4b32-afp32")


def test_kernels_are_told_apart_by_what_they_multiply() -> None:
    def form(runtime: str, recipe: str, model: str = MODEL) -> tuple[str, str]:
        found = layout(runtime, spec_named(model), parse_recipe(recipe), 256)
        traits = reach.case(found, Pass(1, 16), 1, 0, model).traits
        return traits["bits"], traits["form"]

    assert form("onnx", "fp16") == form("onnx", "fp32") == ("onnx 32", "onnx fp32")
    assert form("onnx", "wi8-afp32") == ("onnx 8", "onnx i8 in short blocks")  # 64 is the largest that divides 576
    assert form("onnx", "wi4b128-afp32") == ("onnx 4", "onnx i4 in long blocks")
    assert form("tflite", "wi4b32-afp32") == ("tflite 4", "tflite i4")


def test_smaller_blocks_take_longer_except_where_a_row_has_one_scale() -> None:
    def work(runtime: str, recipe: str) -> float:
        found = layout(runtime, spec_named(MODEL), parse_recipe(recipe), 256)
        known = reach.case(found, Pass(128, 0), 1, 0, MODEL)
        return known.work.multiply_adds + known.typical.scale_cost * known.work.scales

    for runtime in ("onnx", "tflite"):
        assert work(runtime, "wi4b32-afp32") > work(runtime, "wi4b64-afp32") > work(runtime, "fp32")
    assert work("onnx", "wi8-afp32") > work("onnx", "fp32")
    assert work("tflite", "wi8-afp32") == work("tflite", "fp32")


@pytest.mark.parametrize("cost", [3, 9, 27])
def test_what_a_scale_costs_is_learnt_from_blocks_of_two_sizes(cost: float) -> None:
    truth = replace(TRUTH, scale_cost=cost)
    record = made_up(("wi4b32-afp32", "wi4b128-afp32"), truth)
    read = Pass(128, 128)

    def ratio(times: Callable[[Layout], float]) -> float:
        return times(places("wi4b32-afp32")) / times(places("wi4b128-afp32"))

    predicted = ratio(lambda found: time_of(record, found, (read,), 4, MODEL).seconds)
    true = ratio(lambda found: seconds(reach.case(found, read, 4, 0, MODEL).work, truth))
    assert predicted == pytest.approx(true, rel=0.02)


@pytest.mark.parametrize(("runtime", "step", "chunk"), [("tflite", 2.4, 1.03), ("onnx", 1.4, 1.0)])
def test_each_head_of_the_cache_costs_a_step_of_litert_most(runtime: str, step: float, chunk: float) -> None:
    spec = spec_named(MODEL)

    def attended(heads: int, one: Pass) -> float:
        found = layout(runtime, replace(spec, kv_heads=heads), parse_recipe("fp32"), 1024)
        return reach.case(found, one, 1, 0, MODEL).work.attended

    for one, factor in ((Pass(1, 800, room=832), step), (Pass(128, 640, room=832), chunk)):
        assert factor < attended(spec.heads, one) / attended(spec.heads // 3, one) < 1.2 * factor


def test_a_quantised_cache_makes_reading_a_prompt_longer_and_decoding_not() -> None:
    record = made_up()

    def takes(recipe: str, *passes: Pass) -> float:
        return time_of(record, places(recipe), passes, 4, MODEL).seconds

    assert takes("wi4b32-afp32-kv8", Pass(128, 512)) > 1.2 * takes("wi4b32-afp32", Pass(128, 512))
    assert takes("wi4b32-afp32-kv8", Pass(1, 512)) < takes("wi4b32-afp32", Pass(1, 512))


def test_longer_contexts_and_smaller_chunks_take_longer() -> None:
    record = made_up()

    def takes(tokens: int, chunk: int) -> float:
        return time_of(record, places(), prompt_passes(places(), tokens, chunk), 4, MODEL).seconds

    assert takes(512, 128) > takes(256, 128)
    assert takes(512, 1) > takes(512, 128)
    steps = [time_of(record, places(), step_pass(places(), past), 4, MODEL).seconds for past in (10, 500, 1000)]
    assert steps == sorted(steps)


def test_the_head_of_a_prompt_takes_as_long_as_that_of_a_step() -> None:
    record, head = made_up(), Pass(1, 0, layers=False)

    def takes(*passes: Pass) -> float:
        return time_of(record, places(), passes, 4, MODEL).seconds

    assert takes(head) == pytest.approx(takes(Pass(1, 0)) - takes(Pass(1, 0, logits=0)), rel=0.2)
    assert takes(*prompt_passes(places(), 128, 128)) == pytest.approx(takes(Pass(128, 0, logits=0)) + takes(head))


def test_another_version_of_the_runtime_is_a_downgrade_that_is_said(tmp_path: Path) -> None:
    same, other = made_up(), made_up(versions=(("onnxruntime", "0.0.1"),))
    fits, doubted = (time_of(record, places(), step_pass(places(), 10), 4, MODEL) for record in (same, other))
    assert doubted.high / doubted.low == pytest.approx(reach.WITH_RUNTIME_CHANGED**2 * fits.high / fits.low)
    write_record(other, tmp_path / "here.json")
    assert "not 0.0.1: probe again" in reach.told(tmp_path / "here.json")


def test_plans_use_the_record_of_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESLM_PROBES", str(tmp_path))
    before = estimate(places(), device("raspberry-pi-5")).decode_tps
    write_record(made_up(device="raspberry-pi-5"), tmp_path / "raspberry-pi-5.json")
    board = device("raspberry-pi-5")
    after = estimate(places(), board).decode_tps
    expected = 1 / (wanted(Pass(1, 144), board.speed.threads) + reach.ENGINE_STEP_S)
    assert after.value == pytest.approx(expected, rel=0.25)
    assert after.high / after.low < before.high / before.low


def test_a_record_is_read_back_as_written(tmp_path: Path) -> None:
    record = made_up(versions=(("onnxruntime", "1.31.1"),), missing=("tflite fp32: signal 4",))
    write_record(record, tmp_path / "deep" / "here.json")
    assert read_record(tmp_path / "deep" / "here.json") == record
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["here.json"]
    assert read_record(tmp_path / "none.json") is None


def slower(record: Record, factor: float) -> Record:
    return replace(record, rows=tuple(replace(row, seconds=row.seconds * factor) for row in record.rows))


def test_the_middle_of_the_last_probes_counts() -> None:
    record = made_up()
    joined = None
    for number, factor in enumerate((9.0, 1.0, 1.2, 5.0, 1.1, 1.3), start=1):
        joined = slower(record, factor).joined(joined)
        assert joined.probes == min(number, MOST_PROBES)
    assert joined is not None  # the first, which was ten times slower, is forgotten
    assert [row.seconds for row in joined.rows] == pytest.approx([1.2 * row.seconds for row in record.rows])


def test_passes_that_only_one_probe_timed_are_kept() -> None:
    record = made_up()
    joined = replace(record, rows=record.rows[10:]).joined(replace(record, rows=record.rows[:20]))
    assert {row.work for row in joined.rows} == {row.work for row in record.rows}
    assert sorted(len(row.seen) for row in joined.rows) == [0] * (len(record.rows) - 10) + [2] * 10


@pytest.mark.parametrize("other", [{"on": "another machine"}, {"versions": (("onnxruntime", "1.30"),)}])
def test_probes_of_another_machine_or_version_are_not_joined(other: dict[str, object]) -> None:
    record = made_up()
    assert record.joined(replace(record, **other)) is record  # type: ignore[arg-type]


def test_a_second_probe_is_joined_with_the_first_and_a_damaged_one_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGESLM_PROBES", str(tmp_path))
    taken = iter([slower(made_up(), factor) for factor in (1.0, 1.2, 1.0)])
    monkeypatch.setattr(session, "probe", lambda *_, **__: next(taken))
    for joins in (False, True):
        assert main(["measure", "--probe"]) == 0
        assert ("the middle of 2 probes counts" in capsys.readouterr().out) == joins
    joined = read_record(tmp_path / "here.json")
    assert joined == slower(made_up(), 1.2).joined(made_up())
    assert "rest on 2 probes, the last of 2026-01-01" in reach.told(tmp_path / "here.json")
    (tmp_path / "here.json").write_text("{")
    assert main(["measure", "--probe"]) == 0
    assert "it is replaced" in capsys.readouterr().err
    assert read_record(tmp_path / "here.json") == made_up()


def test_a_damaged_record_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "here.json"
    write_record(made_up(), path)
    whole = path.read_text()
    for text in (whole[: len(whole) // 2], "[]", "{}", whole.replace("edgeslm.probe/1", "edgeslm.probe/9")):
        path.write_text(text)
        with pytest.raises(ConfigError, match="no probe") as caught:
            read_record(path)
        assert "edgeslm measure --probe" in caught.value.hint


@pytest.mark.parametrize("figure", [0.0, -1.0, float("nan"), float("inf"), 1e-9, 1e6])
def test_a_device_that_lies_is_refused(figure: float, tmp_path: Path) -> None:
    record = made_up()
    lying = replace(record, rows=(replace(record.rows[0], seconds=figure), *record.rows[1:]))
    assert not list(absurd(record))
    assert list(absurd(lying))
    assert list(absurd(replace(record, rows=(replace(record.rows[0], seen=(1.0, figure)), *record.rows[1:]))))
    path = tmp_path / "here.json"
    path.write_text(json.dumps(lying.document()))
    with pytest.raises(ConfigError, match="cannot be"):
        read_record(path)


def test_more_tokens_in_far_less_time_are_refused() -> None:
    record = made_up()
    rows = tuple(replace(row, seconds=1e-3) if row.rows == 128 else row for row in record.rows)
    assert any("less than half the time" in what for what in absurd(replace(record, rows=rows)))


def test_an_outlier_of_a_probe_moves_the_others_little() -> None:
    record = made_up()
    spoilt = replace(record, rows=(replace(record.rows[0], seconds=20 * record.rows[0].seconds), *record.rows[1:]))
    rows = [reach._measurement(row, 0) for row in record.rows[1:]]
    found = reach.reach(spoilt).predict_all([row.case for row in rows])
    errors = [abs(one.seconds / row.seconds - 1) for one, row in zip(found, rows, strict=True)]
    assert statistics.median(errors) < 0.05


def test_a_child_that_dies_is_said_and_its_rows_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("small", 6, "onnx", "wi4b32-afp32", 1, 1, 16, 0.001)
    said = json.dumps(json.dumps(row.__dict__))
    program = f"import os; print({said}, flush=True); print('{{\"cut', flush=True); os.abort()"
    monkeypatch.setattr(session, "worker_command", lambda *_: [sys.executable, "-c", program])
    seen = session._Seen()
    with workplace() as place:
        session._time_form(session.Turn("onnx", "wi4b32-afp32", (1,)), 20.0, place, seen)
    assert list(seen.rows.values()) == [row]
    assert seen.missing == ["onnx wi4b32-afp32: ended after 1 passes with signal 6"]


def test_the_faster_of_two_rounds_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = session._Seen()
    for taken in (0.003, 0.001, 0.002):
        row = Row("small", 6, "onnx", "wi4b32-afp32", 1, 1, 16, taken)
        said = json.dumps(json.dumps(row.__dict__))
        monkeypatch.setattr(session, "worker_command", lambda *_, said=said: [sys.executable, "-c", f"print({said})"])
        with workplace() as place:
            session._time_form(session.Turn("onnx", "wi4b32-afp32", (1,)), 20.0, place, seen)
    assert [one.seconds for one in seen.rows.values()] == [0.001]
    assert seen.missing == []


def test_each_round_begins_with_another_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    orders: dict[tuple[str, str], list[tuple[int, ...]]] = {}

    def noted(turn: session.Turn, *_others: object) -> None:
        orders.setdefault((turn.form, turn.recipe), []).append(turn.threads)

    monkeypatch.setattr(session, "thread_counts", lambda: (4, 1))
    monkeypatch.setattr(session, "_time_form", noted)
    with pytest.raises(EnvironmentProblem):  # nothing was timed
        session.probe("here")
    assert orders == {form: [(4, 1), (1, 4)] for form in session.FORMS}


def test_a_child_times_all_graphs_before_it_turns_to_another_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[str] = []
    timed: list[tuple[str, int]] = []
    monkeypatch.setattr(worker, "_end_with_parent", lambda: None)
    monkeypatch.setattr(worker, "_converted", lambda graph, *_others: made.append(graph.name))
    monkeypatch.setattr(worker, "_time_graph", lambda graph, _made, count, *_others: timed.append((graph.name, count)))
    worker.main("onnx", "wi8-afp32", 60.0, tmp_path, (4, 1))
    assert timed == [(name, count) for count in (4, 1) for name in GRAPHS]
    assert made == list(GRAPHS)  # once each
    worker.main("onnx", "wi8-afp32", -1.0, tmp_path, (4, 1))
    assert len(timed) == 2 * len(GRAPHS)  # its seconds were over


def test_a_graph_that_was_made_late_is_timed_once() -> None:
    runtime = cast("Runtime", SimpleNamespace(prefill=lambda _ids, _past: None, step=lambda _token, _past: np.zeros(9)))
    passes, over = ((1, 16), (32, 0)), time.monotonic() - 1
    assert [found[:2] for found in worker._swept(runtime, passes, 9, over)] == [(1, 16)]
    assert [found[:2] for found in worker._swept(runtime, passes, 9, over + 60)] == [(1, 16), (32, 0)]


@pytest.mark.parametrize(("seconds", "calls"), [(1e-4, 101), (0.011, 7), (0.05, 4), (0.2, 3), (0.4, 2)])
def test_a_long_pass_is_timed_once_and_a_short_one_often(
    seconds: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def call() -> None:
        clock.append(clock[-1] + seconds)

    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: clock[-1]))
    assert worker.timed(call) == pytest.approx((seconds, 0.0), abs=1e-9)
    assert len(clock) - 1 == calls  # the first warms up


def test_a_probe_that_saw_too_little_is_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "worker_command", lambda *_: [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(EnvironmentProblem, match="cannot be right"):
        session.probe("here", budget_s=30)


def test_layers_have_weights_of_their_own(tmp_path: Path) -> None:
    write_checkpoint(DEEP, tmp_path)
    checkpoint = open_checkpoint(str(tmp_path))
    first, second = (checkpoint.rows(f"model.layers.{n}.self_attn.q_proj.weight", 0, 4) for n in (0, 1))
    assert (first != second).mean() > 0.9
    assert dict(checkpoint.shapes) == dict(DEEP.shapes())


def test_the_large_graph_outgrows_the_last_cache_and_never_the_memory() -> None:
    roomy = sized(LARGE, bits=4, cache_bytes=32 << 20, memory_bytes=16 << 30)
    assert roomy.layers * roomy.layer_weights * 4 / 8 > 32 << 20
    tight = sized(LARGE, bits=4, cache_bytes=32 << 20, memory_bytes=256 << 20)
    assert tight.layers < roomy.layers
    assert sized(DEEP, 4, 32 << 20, 16 << 30) == DEEP


def test_what_lasts_is_unknown_without_a_fact_and_scales_with_one() -> None:
    from edgeslm.catalog import Fact

    board, speed = device("raspberry-pi-5"), exact(10, "tokens/s", "estimated", "raspberry-pi-5")
    answer = exact(2, "s", "estimated", "raspberry-pi-5")
    assert sustained(speed, board) is None
    assert energy(places(), Task(100, 20), answer, board) is None
    warm = replace(board, thermal=(*board.thermal, ("sustained_share", Fact(0.8, "x"))))
    found = sustained(speed, warm)
    assert found is not None
    assert found.value == pytest.approx(8)
    coefficients = (("joules_per_gb", Fact(0.1, "x")), ("joules_per_gmac", Fact(0.01, "x")), ("idle_w", Fact(3, "x")))
    known = energy(places(), Task(100, 20), answer, replace(board, power=coefficients))
    assert known is not None
    assert known.value > 6  # three watts for two seconds, and the work on top


@pytest.mark.slow
def test_a_short_probe_of_this_machine_makes_a_record_that_plans_can_use(tmp_path: Path) -> None:
    record = session.probe("here", budget_s=25)
    assert record.seconds < 40
    write_record(record, tmp_path / "here.json")
    again = read_record(tmp_path / "here.json")
    assert again is not None
    found = time_of(again, places(), step_pass(places(), 100), session.thread_counts()[0], MODEL)
    assert 1e-4 < found.low < found.seconds < found.high < 60
    assert calibrate([], reach.PRIORS).predict(reach.case(places(), Pass(1, 100), 1, 0, MODEL)).seconds > 0
