"""The verb `edgeslm-agent enroll`: by token, by hand in two steps, or a renewal; returns what to tell the person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeslm_agent.config import credentials_folder
from edgeslm_agent.contract.enrolment import parse_token
from edgeslm_agent.errors import UsageError
from edgeslm_agent.host.durable import write_durable

if TYPE_CHECKING:
    import argparse

    from edgeslm_agent.config import Config

_EXAMPLE = "edgeslm-agent enroll TOKEN --ca ca.pem; `edgeslm fleet enroll FLEET/ID` makes the token"
_READABLE = 0o644  # a request holds no secret, and somebody else may carry it


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("token", nargs="?", metavar="TOKEN", help="what the operator's `edgeslm fleet enroll` printed")
    parser.add_argument("--ca", metavar="FILE", type=Path, help="the operator's ca.pem")
    parser.add_argument("--credentials", metavar="DIR", type=Path, help="where key and certificate go")
    parser.add_argument("--csr", metavar="FILE", type=Path, help="by hand: write a request to carry to the operator")
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="by hand: install what the operator made of it"
    )
    parser.add_argument("--renew", action="store_true", help="exchange the present certificate now, if its desk agrees")


def enroll(options: argparse.Namespace, config: Config) -> list[str]:
    """Do one of the four and return lines for the person. Raises EdgeSLMError."""
    if sum(map(bool, (options.token, options.csr, options.certificate, options.renew))) != 1:
        raise UsageError("enroll takes one of TOKEN, --csr, --certificate and --renew", _EXAMPLE)
    if options.token:
        return _by_token(options, config)
    if not config.id and not credentials_folder(config):
        raise UsageError("no device is named", "give --id FLEET/ID")
    folder = _folder(config, config.id or "")
    if options.renew:
        from edgeslm_agent.identity import enrolment

        done = enrolment.renew(folder, anyway=True)
        assert done
        return [f"renewed; the agent takes {folder} at its next connection"]
    if not config.id:
        raise UsageError("no device is named", "give --id FLEET/ID")
    return _request(options, config.id, folder) if options.csr else _accept(options, config.id, folder)


def _by_token(options: argparse.Namespace, config: Config) -> list[str]:
    from edgeslm_agent.identity import enrolment

    token = parse_token(options.token).token
    if config.id not in (None, token.device):
        raise UsageError(f"the token is for {token.device}, not for {config.id}", "take the token of this device")
    folder = _folder(config, token.device)
    enrolment.enroll(options.token, _authority(options), folder)
    return [
        f"enrolled as {token.device}; key and certificate are in {folder}",
        _start(token.device, token.broker, folder),
    ]


def _request(options: argparse.Namespace, identity: str, folder: Path) -> list[str]:
    from edgeslm_agent.identity import enrolment

    write_durable(options.csr, enrolment.request(identity, folder), _READABLE)
    return [
        f"{options.csr}: the request; its key stays in {folder}",
        f"operator: edgeslm fleet enroll {identity} --csr {options.csr.name} -o cert.pem",
        f"then here: edgeslm-agent enroll --id {identity} --certificate cert.pem --ca ca.pem",
    ]


def _accept(options: argparse.Namespace, identity: str, folder: Path) -> list[str]:
    from edgeslm_agent.identity import enrolment

    enrolment.accept(identity, options.certificate, _authority(options), folder)
    return [f"enrolled as {identity}; key and certificate are in {folder}", _start(identity, "mqtts://HOST", folder)]


def _authority(options: argparse.Namespace) -> Path:
    if options.ca is None:
        raise UsageError("--ca is missing", "copy ca.pem from the operator, and give its path with --ca")
    path: Path = options.ca
    return path


def _folder(config: Config, identity: str) -> Path:
    folder = credentials_folder(config, identity)
    assert folder is not None
    return folder


def _start(identity: str, broker: str, folder: Path) -> str:
    return f"start: edgeslm-agent run --id {identity} --broker {broker} --credentials {folder}"
