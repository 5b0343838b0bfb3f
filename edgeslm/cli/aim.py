"""What a user wants of a variant, as options: `--objective`, `--task`, and a limit on each figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.cli.broker import duration

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from edgeslm.profiler.aim import Aim

OBJECTIVES = ("speed", "first-token", "decode", "memory", "quality", "energy")


def add_aim_options(parser: ArgumentParser) -> None:
    """Add --objective, --task and the limits."""
    group = parser.add_argument_group("what is wanted", "a limit is held against the pessimistic end of a range")
    group.add_argument(
        "--objective",
        choices=OBJECTIVES,
        default="speed",
        help="what decides between candidates that fit (default speed: the time of --task, else decoding)",
    )
    group.add_argument(
        "--task", metavar="prompt=N,answer=N", help="the tokens of a typical prompt and answer; speeds are for it"
    )
    group.add_argument("--max-memory", metavar="SIZE", help="peak memory at most, such as 400MB")
    group.add_argument("--max-first-token", type=duration, metavar="TIME", help="time to the first token, such as 2s")
    group.add_argument("--max-answer-time", type=duration, metavar="TIME", help="time of the whole answer, such as 8s")
    group.add_argument("--min-decode", type=float, metavar="RATE", help="tokens a second at least, such as 10")
    group.add_argument(
        "--max-divergence", type=float, metavar="NATS", help="mean KL from fp32 in nats a token, such as 0.02"
    )
    group.add_argument("--max-energy", type=float, metavar="JOULES", help="energy of one answer at most")


def aim_of(options: Namespace) -> Aim:
    """Return what the options ask for.

    Raises UsageError for a task or a limit that cannot be.
    """
    from edgeslm.profiler.aim import Aim, Limits
    from edgeslm.profiler.task import parse_task
    from edgeslm_agent.units import parse_bytes

    limits = Limits(
        memory_bytes=None if options.max_memory is None else parse_bytes(options.max_memory),
        first_token_s=options.max_first_token,
        answer_s=options.max_answer_time,
        decode_tps=options.min_decode,
        kld_mean=options.max_divergence,
        energy_j=options.max_energy,
    )
    return Aim(options.objective, None if options.task is None else parse_task(options.task), limits)
