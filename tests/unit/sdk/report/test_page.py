"""The page's structure, read by html.parser, which is not ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from edgeslm.catalog import device
from edgeslm.profiler.aim import Aim, Limits
from edgeslm.profiler.contender import Contender, Observed, QualityEvidence
from edgeslm.profiler.figure import exact
from edgeslm.profiler.select import select
from edgeslm.profiler.task import Task
from edgeslm.report.page import page
from edgeslm.report.scale import Scale, scale_of
from support.plans import candidate

NANO = device("jetson-nano")
EVIL = '<script>alert("x")</script>&\'"'
VOID = {"meta", "line", "br"}


@dataclass
class Seen(HTMLParser):
    """Everything of a page: tags with their attributes, the text in them, and whether all were closed."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and attributes.items() <= given.items() for name, given in self.tags)

    def says(self, words: str) -> bool:
        return any(words in text for _, text in self.texts)


def read(html: str) -> Seen:
    seen = Seen()
    seen.feed(html)
    seen.close()
    assert seen.open == []
    return seen


def document(label: str = "", aim: Aim | None = None) -> dict[str, Any]:
    passed = QualityEvidence("passed", "balanced", (), 0.02)
    failed = QualityEvidence("failed", "balanced", ("mean KL divergence 0.2 nats is above the gate's 0.05",), 0.2)
    entries = [
        Contender(candidate("m_quick_onnx_2k", peak_mb=300, decode_tps=20, error=0.1), quality=passed, label=label),
        Contender(candidate("m_small_onnx_2k", peak_mb=200, decode_tps=10, error=0.1), quality=passed),
        Contender(candidate("m_worse_onnx_2k", peak_mb=400, decode_tps=10, error=0.2), quality=passed),
        Contender(candidate("m_rough_onnx_2k", peak_mb=100, decode_tps=40, error=0.3), quality=failed),
        Contender(
            candidate("m_never_onnx_2k", peak_mb=100, decode_tps=40, error=0.3, reasons=("not built by this version",))
        ),
    ]
    return select(entries, NANO, aim or Aim()).document()


def test_the_page_has_every_candidate_in_plot_bars_and_table() -> None:
    seen = read(page(document()))
    assert seen.count("svg", role="img") == 1
    marks = {kind: seen.count("circle", **{"class": f"mark {kind}"}) for kind in ("winner", "front", "kept")}
    assert marks == {"winner": 2, "front": 2, "kept": 2}  # one each in the plot, and one each in its legend
    assert seen.count("path", **{"class": "mark rejected"}) == 3
    assert seen.count("span", role="img") == 5 + 4  # bars of memory, and of what was measured
    assert seen.count("th", scope="row") == 5 + 1
    for name in ("quick", "small", "worse", "rough", "never"):
        assert seen.says(f"m_{name}_onnx_2k")


def test_every_rejected_candidate_has_its_reason_and_what_was_wanted_is_said() -> None:
    seen = read(page(document(aim=Aim(limits=Limits(memory_bytes=350 * 2**20)))))
    assert seen.says("not built by this version")
    assert seen.says("mean KL divergence 0.2 nats")
    assert seen.says("350 MB at most is asked")
    assert seen.says("Wanted: speed; --max-memory 350 MB.")
    assert seen.says("The binding limit: --max-memory")
    assert any("the gate allows 0.05" in (given.get("aria-label") or "") for _, given in seen.tags)


def test_with_a_task_the_axis_is_the_time_of_an_answer() -> None:
    assert read(page(document(aim=Aim(task=Task(500, 60))))).says("prompt of 500, answer of 60 tokens")


def test_what_a_user_wrote_is_text_and_nothing_else() -> None:
    found = document(label=EVIL)
    found["device"], found["basis"], found["notes"] = EVIL, EVIL, [EVIL]
    found["rejected"][0]["reasons"] = [EVIL]
    found["candidates"][-1]["reasons"], found["candidates"][-1]["recipe"] = [EVIL], EVIL
    html = page(found)
    seen = read(html)
    assert seen.count("script") == 0
    assert "<script" not in html
    assert seen.says(EVIL)


def test_the_page_needs_no_other_file_and_no_network() -> None:
    html = page(document())
    seen = read(html)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in seen.tags}
    assert not re.search(r"https?:|url\(|@import|src=|href=", html)


def test_the_page_works_on_a_phone_in_the_dark_and_read_aloud() -> None:
    html = page(document())
    seen = read(html)
    assert seen.count("html", lang="en") == 1
    assert seen.count("meta", name="viewport") == 1
    assert "prefers-color-scheme: dark" in html
    assert seen.count("main") == seen.count("h1") == 1
    assert seen.count("caption") == seen.count("table")
    labelled = [given for tag, given in seen.tags if given.get("role") == "img" and tag == "span"]
    assert all(given["aria-label"] for given in labelled)


def test_every_limit_is_named_as_its_option() -> None:
    limits = Limits(1e9, 2, 8, 10, 0.02, 20)
    (wanted,) = [text for _, text in read(page(document(aim=Aim(limits=limits)))).texts if text.startswith("Wanted")]
    for words in (
        "--max-memory 954 MB",
        "--max-first-token 2.00 s",
        "--max-answer-time 8.00 s",
        "--min-decode 10.0 tok/s",
    ):
        assert words in wanted
    assert "--max-divergence 0.02 nats a token; --max-energy 20 J." in wanted


def test_no_winner_is_a_page_too() -> None:
    seen = read(page(document(aim=Aim(limits=Limits(memory_bytes=1)))))
    assert seen.says("nothing fits for jetson-nano")


def test_the_winners_quality_stands_beside_the_gates_bounds() -> None:
    found = document()
    figures = {"kld_mean": 0.02, "top1_agreement": 0.95, "ppl_ratio": 1.2}
    found["quality"] = {"status": "passed", "gate": "balanced", "data": "mine.txt", **figures}
    seen = read(page(found))
    for words in ("at most 0.05", "at least 0.9", "kept", "broken", "on mine.txt"):
        assert seen.says(words)


def test_figures_measured_on_this_machine_are_not_the_boards() -> None:
    entry = Contender(candidate("v", peak_mb=300, decode_tps=20, error=0.1), quality=QualityEvidence("passed"))
    on_host = replace(entry, observed=Observed(decode_tps=exact(999, "tokens/s", "measured", "host")))
    html = page(select([on_host], NANO).document())
    assert "999" not in html
    assert read(html).says("estimated")
    there = replace(entry, observed=Observed(decode_tps=exact(999, "tokens/s", "measured", "jetson-nano")))
    assert read(page(select([there], NANO).document())).says("measured")


@pytest.mark.parametrize("figures", [[5.0], [1.0, 1000.0], [0.001, 0.0011]])
def test_an_axis_holds_its_figures_in_order(figures: list[float]) -> None:
    axis = scale_of(figures, 0, 100)
    places = [axis(figure) for figure in figures]
    assert places == sorted(places)
    assert all(0 < place < 100 for place in places)
    assert axis.ticks() == sorted(axis.ticks())


def test_what_lies_outside_an_axis_is_put_at_its_edge() -> None:
    axis = Scale(1, 100, 0, 100)
    assert (axis(0.1), axis(10), axis(1e9)) == (0, 50, 100)
