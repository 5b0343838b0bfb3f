"""The agent and its engine as processes of an emulated board, and what this machine answers in their place."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, cast

from boards import answers
from edgeslm_agent.bundle import open_bundle
from edgeslm_agent.engine.session import Session
from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boards.emulator import Emulated
    from boards.memory_limit import MemoryLimit

PROMPT = "turn on the kitchen lights"


@contextlib.contextmanager
def agent(emulated: Emulated, bundle: Path, url: str, spool: Path, limit: MemoryLimit | None = None) -> Iterator[str]:
    """Run the agent on a board for the block; yields its name. It leaves in good order."""
    name = f"boards/{emulated.board.profile}"
    command = [
        str(emulated.python), "-m", "edgeslm_agent", "run", "--id", name, "--broker", url, "--bundle", str(bundle),
        "--spool", str(spool), "--interval", "1", "--profile", emulated.board.profile, "--threads", "2",
    ]  # fmt: skip
    started = subprocess.Popen(limit.within(command) if limit else command, stderr=subprocess.PIPE, text=True)
    try:
        yield name
        assert started.poll() is None
        started.terminate()
        _, said = started.communicate(timeout=PATIENCE_S)
        assert started.returncode == 0, said
    finally:
        started.kill()
        started.communicate()


def answer_here(bundle: Path) -> str:
    with Session.open(open_bundle(bundle)) as session:
        return session.complete(PROMPT).text


def answers_there(emulated: Emulated, bundle: Path, cases: list[answers.Case], place: Path) -> answers.Answers:
    """Return what a board makes of the cases; `place` is a folder for what goes there and comes back."""
    asked, out = place / "cases.json", place / "answers.json"
    asked.write_text(json.dumps(cases), encoding="utf-8")
    ran = emulated.run(Path(answers.__file__), bundle, asked, out)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return cast("answers.Answers", json.loads(out.read_text("utf-8")))
