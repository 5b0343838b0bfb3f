"""What holds for every test: hypothesis judges what comes out, and never how long a loaded machine took."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("unhurried"), max_examples=20)  # `make check`
settings.load_profile("unhurried")
