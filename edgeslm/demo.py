"""The guided first run: the commands a user would type, in order, on one machine.

    plan -> export -> (broker) -> collect -> three agents -> commands -> telemetry -> fleet status

Everything lives in one folder and ends with the demo; the broker listens on the loopback interface only.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeslm.fleet.broker import Kind, running_broker
from edgeslm_agent.errors import EdgeSLMError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOARD = "jetson-nano"
BUNDLE = "home-nano"
START_S = 30.0
STOP_S = 10.0
QUESTIONS = {
    "demo/kitchen": (
        "turn on the kitchen light",
        "set a timer for 12 minutes for the pasta",
        "dim the dining room lamp to 30 percent and play some jazz",
    ),
    "demo/bedroom": (
        "close the blinds in the bedroom at sunset",
        "it's too cold in here",
        "wake me up at half past six on weekdays",
    ),
    "demo/workshop": (
        "turn off all the lights except in the hallway",
        "is the garage door closed?",
        "how tall is the Eiffel tower?",
    ),
}


class StepFailed(EdgeSLMError):
    """A step of the demo ended with an error; its own message stands above."""

    exit_code = 4


@dataclass(frozen=True)
class Stage:
    """Where the demo plays: its folder, the environment of its processes, and how it speaks."""

    folder: Path
    environment: dict[str, str]
    say: Callable[[str], None]

    def command(self, *words: str) -> None:
        """Show a command and run it, its output on this terminal. Raises StepFailed."""
        self.say(f"$ {shlex.join(['edgeslm', *words])}")
        done = subprocess.run(self._process("edgeslm", words), cwd=self.folder, env=self.environment, check=False)
        self.say("")
        if done.returncode != 0:
            raise StepFailed(f"edgeslm {words[0]} ended with exit code {done.returncode}", "see its message above")

    @contextlib.contextmanager
    def background(self, program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Show a command and run it until the block ends; its words go to a log file in the folder."""
        self.say(f"$ {shlex.join([program, *words])} &")
        log = self.folder / f"{program}-{words[-1].replace('/', '-')}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                self._process(program, words), cwd=self.folder, env=self.environment, stdout=file, stderr=file
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _process(self, program: str, words: tuple[str, ...]) -> list[str]:
        module = {"edgeslm": "edgeslm", "edgeslm-agent": "edgeslm_agent"}[program]
        return [sys.executable, "-m", module, *words]


def run_demo(folder: Path, broker: Kind, say: Callable[[str], None]) -> None:
    """Play the demo in an empty folder; `say` gets a line at a time.

    Raises MissingExtra without a broker, StepFailed when a step fails.
    """
    stage = Stage(folder, dict(os.environ), say)
    say(f"# 1. What would be built for a {BOARD}?")
    stage.command("plan", "--device", BOARD)
    say("# 2. Build it, measure its quality, choose.")
    stage.command("export", "--device", BOARD, "-o", BUNDLE)
    say(f"# 3. A broker ({broker}), a collector, and three agents.")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(running_broker(broker))
        stage = Stage(folder, {**os.environ, "EDGESLM_BROKER": url}, say)
        _fleet(stage, stack, url)
        say("\n# 4. Commands in natural language, answers over MQTT.")
        for device, questions in QUESTIONS.items():
            for question in questions:
                stage.command("fleet", "command", device, question)
        say("# 5. What the fleet reports, read from the broker.")
        stage.command("telemetry", "demo")
        stage.command("fleet", "status", "demo")
        say("# 6. What the collector has committed; the devices forget only what it acknowledged.")
        stage.command("fleet", "status", "--db", "fleet.sqlite")


def _fleet(stage: Stage, stack: contextlib.ExitStack, url: str) -> None:
    collector = stack.enter_context(stage.background("edgeslm", "fleet", "collect", "--db", "fleet.sqlite"))
    agents = [
        stack.enter_context(
            stage.background(
                "edgeslm-agent",
                *("run", "--bundle", BUNDLE, "--broker", url, "--profile", BOARD, "--interval", "2"),
                *("--spool", f"spool-{device.replace('/', '-')}", "--id", device),
            )
        )
        for device in QUESTIONS
    ]
    deadline = time.monotonic() + START_S
    while not (stage.folder / "fleet.sqlite").exists():
        if time.monotonic() > deadline:
            raise TimedOut("the collector did not start", f"its log is in {stage.folder}")
        if any(process.poll() is not None for process in (collector, *agents)):
            raise StepFailed("a process of the demo ended early", f"its log is in {stage.folder}")
        time.sleep(0.1)
