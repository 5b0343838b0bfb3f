"""Two thousand devices on this machine for ten minutes, with every kind of fault; a thousand come back after a kill.

Both are `edgeslm fleet simulate`: the agent's own code in as many processes as there are cores, a Mosquitto as it is
configured out of the box, one collector. The result holds both reports as the command prints them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from bench import machine
from bench.harness import RESULTS, SCHEMA, Target
from edgeslm.fleet.simulate.run import Report, Wish, simulate
from edgeslm.fleet.simulate.script import parse_faults

FAULTS = "broker-kill=1m,partition=45s/15s,slow-link=45s/20s,clock-jump=20s,reboot=20s"
BACK_DEVICES, BACK_S, BACK_FAULTS = 1000, 150.0, "broker-kill=45s"
BACK_TARGET_S = 60.0


def main() -> int:
    """Simulate both, write the result; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    idle = machine.idle_share()
    fleet = simulate(Wish(options.devices, 60 * options.minutes, parse_faults(FAULTS)), _story)
    back = simulate(Wish(min(BACK_DEVICES, options.devices), BACK_S, parse_faults(BACK_FAULTS)), _story)
    targets = _targets(fleet, back)
    for target in targets:
        print(target.line())
    file = RESULTS / machine.slug() / "simulation.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": SCHEMA, "bench": "simulation", "machine": machine.describe(), "idle_before": idle,
        "fleet": asdict(fleet), "back": asdict(back),
        "targets": [{**asdict(target), "met": target.met} for target in targets],
    }  # fmt: skip
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if all(target.met for target in targets) else 1


def _targets(fleet: Report, back: Report) -> list[Target]:
    slowest = max((one.back_s or BACK_S for one in back.returns), default=BACK_S)
    lost = fleet.certificate.lost + back.certificate.lost
    twice = fleet.certificate.duplicates + back.certificate.duplicates
    return [
        Target("records lost", lost, 0, at_least=False),
        Target("records stored twice", twice, 0, at_least=False),
        Target("collector, of a core", fleet.load["collector"], 0.5, at_least=False),
        Target("devices back after a kill", slowest, BACK_TARGET_S, at_least=False, unit=" s"),
    ]


def _story(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
