"""The desk: admission, refusals with reasons, and commands that come twice."""

from __future__ import annotations

from edgeslm_agent.contract.command import Command, Operation, Result
from edgeslm_agent.serving.desk import REMEMBERED, Desk


def ask(identity: str, prompt: str = "hello", op: Operation = "generate") -> Command:
    return Command(identity, op, prompt)


def test_command_is_accepted_and_goes_to_work() -> None:
    desk = Desk(8)
    verdict = desk.take(ask("1"), "ready")
    assert verdict.work
    assert verdict.result == Result("1", "accepted")
    assert desk.open == ("1",)


def test_repeated_command_is_not_worked_on_again_and_its_latest_result_is_repeated() -> None:
    desk = Desk(8)
    desk.take(ask("1"), "ready")
    assert desk.take(ask("1"), "ready").result.state == "accepted"
    assert not desk.take(ask("1"), "ready").work
    done = Result("1", "done", "text")
    desk.say(done)
    verdict = desk.take(ask("1"), "ready")
    assert not verdict.work
    assert verdict.result == done


def test_command_waits_while_the_model_loads() -> None:
    assert Desk(8).take(ask("1"), "loading").work


def test_refusals_name_their_reason() -> None:
    desk = Desk(1)
    assert "without a model" in (desk.take(ask("1"), "none").result.error or "")
    assert desk.take(ask("2", op="embed"), "ready").result.error == "embed is not supported by this model"
    assert desk.take(ask("3"), "failed", "no memory").result.error == "the model failed to load: no memory"
    assert desk.take(ask("4", prompt=""), "ready").result.error == "generate needs a prompt"
    assert desk.take(ask("5"), "ready").work
    assert desk.take(ask("6"), "ready").work
    assert desk.take(ask("7"), "ready").result.error == "busy: 1 requests are waiting already"
    assert desk.take(ask("8", op="ping"), "none").result.state == "done"


def test_model_is_asked_only_for_what_it_is_for() -> None:
    desk = Desk(8)
    assert desk.take(ask("1", op="embed"), "ready", purpose=("embed",)).work
    assert desk.take(ask("2", op="measure"), "ready", purpose=("embed",)).work
    refused = desk.take(ask("3", op="generate"), "ready", purpose=("embed",)).result
    assert refused.error == "generate is not supported by this model"
    assert desk.take(ask("4", "", "classify"), "ready", purpose=("classify",)).result.error == "classify needs a prompt"


def test_memory_is_bounded_by_ids_and_by_text_and_never_forgets_open_work() -> None:
    desk = Desk(8)
    desk.take(ask("open"), "ready")
    for number in range(3 * REMEMBERED):
        desk.take(ask(str(number), op="ping"), "ready")
    assert len(desk._known) == REMEMBERED
    assert desk.open == ("open",)
    assert not desk.take(ask(str(3 * REMEMBERED - 1), op="ping"), "ready").work
    for number in range(50):
        desk.say(Result(f"long{number}", "done", "x" * 60_000))
    assert desk._kept <= 256 * 1024
    assert desk._kept == sum(len(result.text or "") for result in desk._known.values())
    for number in range(50):
        desk.say(Result(f"wide{number}", "done", embedding=(0.5,) * 4096))
    assert sum(len(result.embedding) for result in desk._known.values()) <= 256 * 1024 / 8
    assert desk.open == ("open",)
