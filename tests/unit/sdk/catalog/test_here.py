from __future__ import annotations

from edgeslm.catalog import device
from edgeslm.catalog.here import profile_of_this_machine
from edgeslm_agent.host import Cluster, Host


def host(isa: frozenset[str], *, limit: int | None = None) -> Host:
    return Host(
        board="Acme Board 3",
        cpu="Acme Core",
        architecture="aarch64",
        cores=8,
        physical_cores=8,
        big_cores=4,
        clusters=(Cluster("Acme Core", 4, 2000), Cluster("Acme Small", 4, 1500)),
        cpu_quota=None,
        isa=isa,
        memory_total=8 * 2**30,
        memory_limit=limit,
        memory_available=3 * 2**30,
        kernel="6.6",
        system="Debian",
        python="3.11.7",
    )


def test_this_machine_has_its_own_memory_and_the_speed_of_its_look_alike() -> None:
    profile = profile_of_this_machine(host(frozenset({"asimd", "asimddp"})))
    assert (profile.name, profile.title, profile.architecture) == ("here", "Acme Board 3", "aarch64")
    assert (profile.memory_mb, profile.app_budget_mb) == (8192, 3072)
    assert profile.speed.threads == 4
    like = device("raspberry-pi-5").speed.decode_gb_s
    mine = profile.speed.decode_gb_s
    assert mine.basis == "estimated"
    assert mine.low < like.low < like.high < mine.high


def test_cgroup_limit_is_the_memory() -> None:
    assert profile_of_this_machine(host(frozenset({"asimd"}), limit=2**30)).memory_mb == 1024


def test_machine_without_known_instructions_still_has_a_profile() -> None:
    assert not profile_of_this_machine(host(frozenset())).target().int8_dot_product


def test_real_machine_can_be_described() -> None:
    profile = device("here")
    assert profile.name == "here"
    assert profile.app_budget_mb <= profile.memory_mb
