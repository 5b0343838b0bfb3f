"""The URL of a broker and folders of credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.errors import ConfigError, UsageError
from edgeslm_agent.link.address import Address, Credentials, parse_address

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://host", Address("host", 1883)),
        ("mqtts://host", Address("host", 8883, tls=True)),
        ("mqtt://host:99/", Address("host", 99)),
        ("mqtt://[::1]:99", Address("::1", 99)),
        ("mqtt://host?version=3.1.1", Address("host", 1883, version=4)),
        ("mqtt://host?version=5", Address("host", 1883, version=5)),
        ("mqtt://a%40b:p%3Aw@host", Address("host", 1883, credentials=Credentials("a@b", "p:w"))),
        ("mqtt://user@host", Address("host", 1883, credentials=Credentials("user"))),
    ],
)
def test_url_is_read(url: str, expected: Address) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "host",
        "http://host",
        "mqtt://",
        "mqtt://host:x",
        "mqtt://host:99999",
        "mqtt://host/a",
        "mqtt://host?x=1",
        "mqtt://[::1",
    ],
)
def test_bad_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    assert "mqtts://" in caught.value.hint


def test_password_is_never_shown() -> None:
    address = parse_address("mqtt://user:hunter2@host")
    assert "hunter2" not in str(address) + repr(address)
    with pytest.raises(UsageError) as caught:
        parse_address("mqt://user:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_folder_of_credentials_is_read_and_the_url_wins(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    (tmp_path / "login").write_text("user:pass:word\n", encoding="utf-8")
    secrets = parse_address("mqtts://host", tmp_path).credentials
    assert secrets == Credentials("user", "pass:word", tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    assert parse_address("mqtts://other:secret@host", tmp_path).credentials == Credentials(
        "other", "secret", tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    )


def test_useless_folder_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        parse_address("mqtt://host", tmp_path / "absent")
    with pytest.raises(ConfigError, match="holds no credentials"):
        parse_address("mqtt://host", tmp_path)
    (tmp_path / "cert.pem").touch()
    with pytest.raises(ConfigError, match="half"):
        parse_address("mqtt://host", tmp_path)
    (tmp_path / "key.pem").touch()
    (tmp_path / "login").write_text(":nobody", encoding="utf-8")
    with pytest.raises(ConfigError, match="no login"):
        parse_address("mqtt://host", tmp_path)
