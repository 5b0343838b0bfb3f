"""`edgeslm-agent`: run the agent, enrol the device, say what is missing, show its state.

stdout is the result, stderr the story.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent import __version__, enroll
from edgeslm_agent.config import Config, default_spool, load_config, override, with_credentials
from edgeslm_agent.contract.topics import parse_device_id
from edgeslm_agent.errors import EdgeSLMError, EnvironmentProblem, UsageError
from edgeslm_agent.state import claimed, is_claimed, keep_order, read_order, read_state, spool_file, write_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeslm_agent.agent import Agent
    from edgeslm_agent.contract.status import Status
    from edgeslm_agent.serving.responder import ModelFacts, Responder
    from edgeslm_agent.telemetry.spool import Spool

_EPILOG = """exit codes: 0 done, 1 the answer is no, 2 usage, 3 configuration, 4 environment, 6 bundle, 7 network,
70 bug, 130 interrupted."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.call(options)
    except KeyboardInterrupt:
        return 130
    except EdgeSLMError as error:
        _story(f"edgeslm-agent: {error}")
        if error.hint:
            _story(f"  hint: {error.hint}")
        return error.exit_code
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgeslm-agent",
        description="Run a small language model on this device: answer over MQTT, report telemetry, lose nothing.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    run = verbs.add_parser("run", help="serve until stopped", description="Serve until stopped.")
    _add_common(run)
    run.add_argument("--broker", metavar="URL", help="mqtt://[user:password@]host[:port] or mqtts://...")
    run.add_argument("--bundle", metavar="DIR", type=Path, help="the model to serve; without it the agent only reports")
    run.add_argument("--credentials", metavar="DIR", type=Path, help="login, ca.pem, cert.pem, key.pem for the broker")
    run.add_argument("--interval", metavar="S", type=float, dest="interval_s", help="seconds between samples (10)")
    run.add_argument("--profile", metavar="NAME", help="the board's profile, told in status and capability")
    run.add_argument("--threads", metavar="N", type=int, help="threads of the engine (the big cores)")
    run.set_defaults(call=_run)
    joining = verbs.add_parser(
        "enroll", help="get this device an identity of its own", description="Get this device an identity of its own."
    )
    _add_common(joining)
    enroll.configure(joining)
    joining.set_defaults(call=_enroll)
    doctor = verbs.add_parser("doctor", help="say what is missing on this machine and what to run")
    _add_common(doctor)
    doctor.add_argument("--broker", metavar="URL", help="also try to reach this broker")
    doctor.add_argument(
        "--credentials", metavar="DIR", type=Path, help="login, ca.pem, cert.pem, key.pem for the broker"
    )
    doctor.add_argument("--bundle", metavar="DIR", type=Path, help="also check this bundle")
    doctor.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    doctor.set_defaults(call=_doctor)
    status = verbs.add_parser("status", help="show what the agent on this machine does")
    _add_common(status)
    status.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    status.set_defaults(call=_status)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", metavar="FLEET/ID", help="who this device is")
    parser.add_argument("--config", metavar="FILE", type=Path, help="a JSON file of options; the command line wins")
    parser.add_argument("--spool", metavar="DIR", type=Path, help="where the agent keeps its telemetry and its state")


def _config(options: argparse.Namespace) -> Config:
    base = load_config(options.config) if options.config else Config()
    names = ("id", "broker", "bundle", "credentials", "spool", "profile", "interval_s", "threads")
    given = {name: getattr(options, name, None) for name in names}
    if not given["credentials"] and (named := os.environ.get("EDGESLM_CREDENTIALS")):
        given["credentials"] = Path(named)
    return override(base, given)


def _run(options: argparse.Namespace) -> int:
    config = _config(options)
    if not config.id or not config.broker:
        missing = " and ".join(name for name, value in (("--id", config.id), ("--broker", config.broker)) if not value)
        raise UsageError(
            f"run needs {missing}", "edgeslm-agent run --id home/kitchen --broker mqtt://host:1883 --bundle DIR"
        )
    parse_device_id(config.id)
    folder = config.spool or default_spool(config.id)
    config = with_credentials(config)
    stop = threading.Event()
    _keep_renewed(config.credentials, stop)
    with claimed(folder):
        agent, spool = _agent(config, folder)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop(stop, agent))
        _story(f"edgeslm-agent: {config.id}, spool in {folder}")
        try:
            agent.run(stop)
        finally:
            spool.close()
    return 0


def _keep_renewed(credentials: Path | None, stop: threading.Event) -> None:
    if credentials is None:
        return
    from edgeslm_agent.identity.renewal import keep_renewed

    arguments = (credentials, stop, lambda line: _story(f"edgeslm-agent: {line}"))
    threading.Thread(target=keep_renewed, args=arguments, name="renewal", daemon=True).start()


def _stop(stop: threading.Event, agent: Agent) -> None:
    stop.set()
    # the signal may have interrupted the loop while it held the queue's lock, so another thread knocks
    threading.Thread(target=agent.wake, daemon=True).start()


def _agent(config: Config, folder: Path) -> tuple[Agent, Spool]:
    from edgeslm_agent.agent import Agent, AgentSettings
    from edgeslm_agent.contract.desired import Reporting
    from edgeslm_agent.link.address import parse_address
    from edgeslm_agent.link.mqtt import MqttTransport
    from edgeslm_agent.telemetry.opening import open_spool
    from edgeslm_agent.telemetry.sampler import probes, sensors
    from edgeslm_agent.telemetry.spool import SpoolLimits

    assert config.id
    assert config.broker
    transport = MqttTransport(parse_address(config.broker, config.credentials))
    spool, trouble = open_spool(spool_file(folder), SpoolLimits(max_bytes=config.spool_mb * 2**20))
    if trouble:
        _story(f"edgeslm-agent: {trouble}")
    settings = AgentSettings(Reporting(config.interval_s), config.queue, config.profile, __version__)
    load = _loader(config.bundle, config.threads) if config.bundle else None
    facts = _facts(config.bundle) if config.bundle else None
    sources = probes(Path("/"))
    agent = Agent(
        parse_device_id(config.id), transport, spool, settings,
        load=load, facts=facts, readers=[source.read for source in sources], sensors=sensors(sources),
        trouble=trouble, notice=_notice(folder), order=read_order(folder), keep=partial(keep_order, folder),
    )  # fmt: skip
    return agent, spool


def _loader(bundle: Path, threads: int | None) -> Callable[[], Responder]:
    def load() -> Responder:
        from edgeslm_agent.serving.responder import open_responder

        return open_responder(bundle, threads)

    return load


def _facts(bundle: Path) -> ModelFacts | None:
    from edgeslm_agent.serving.responder import read_facts

    return read_facts(bundle)


def _notice(folder: Path) -> Callable[[Status, str], None]:
    last: list[tuple[str, str, str]] = [("", "", "")]

    def notice(status: Status, text: str) -> None:
        now = (status.state, status.model_state, text)
        if now != last[0]:
            last[0] = now
            _story(f"edgeslm-agent: {status.state}, model {status.model_state}: {text}")
            write_state(folder, {"schema": "edgeslm.agent-state/1", "detail": text, **asdict(status)})

    return notice


def _enroll(options: argparse.Namespace) -> int:
    for line in enroll.enroll(options, _config(options)):
        _result(line)
    return 0


def _status(options: argparse.Namespace) -> int:
    config = _config(options)
    if not config.id and not config.spool:
        raise UsageError("status needs --id or --spool", "edgeslm-agent status --id home/kitchen")
    folder = config.spool or default_spool(config.id or "")
    state = read_state(folder)
    if state is None:
        raise EnvironmentProblem(f"no agent has run on {folder}", "start one with `run`, or name its --spool")
    running = is_claimed(folder)
    depth = _depth(folder)
    if options.json:
        _result(json.dumps({**state, "schema": "edgeslm.agent-status/1", "running": running, "spool_records": depth}))
        return 0 if running else 1
    _result(f"{'running' if running else 'not running'}, {state.get('state')} as last written: {state.get('detail')}")
    _result(f"model: {state.get('variant') or state.get('model_state')}, unacknowledged telemetry: {depth} records")
    return 0 if running else 1


def _depth(folder: Path) -> int | None:
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"file:{spool_file(folder)}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM records").fetchone()[0])
    except sqlite3.Error:
        return None


def _doctor(options: argparse.Namespace) -> int:
    from edgeslm_agent.doctor import examine

    config = _config(options)
    findings = examine(config)
    if options.json:
        _result(json.dumps({"schema": "edgeslm.agent-doctor/1", "findings": [asdict(one) for one in findings]}))
    else:
        for one in findings:
            _result(f"{'ok     ' if one.ok else 'MISSING'}  {one.name}: {one.detail}")
            if one.remedy and not one.ok:
                _result(f"         {one.remedy}")
    return 0 if all(one.ok for one in findings) else 4


def _result(line: str) -> None:
    sys.stdout.write(line + "\n")


def _story(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
