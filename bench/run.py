"""Every bench, one after the other, then the tables: what `make bench` runs.

A bench that fails does not stop the others; the exit status says that one did. A target that is missed is a result, not
a failure.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench.environments import ROOT

BENCHES = (
    "cli",
    "agent",
    "export",
    "decode",
    "tflite",
    "tflite_export",
    "kv",
    "calibrated",
    "quantisation",
    "parity",
    "mixed",
    "encoders",
    "prediction",
    "memory",
    "probe",
    "selection",
)


def main() -> int:
    """Run the named benches, all by default, and rewrite the tables."""
    parser = argparse.ArgumentParser(description="Run the benches and write their tables.")
    parser.add_argument("names", nargs="*", metavar="BENCH", help=f"some of: {', '.join(BENCHES)}")
    names = parser.parse_args().names or BENCHES
    failed = [name for name in names if _fails(f"bench.{name}")]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if _fails("bench.report") or failed else 0


def _fails(module: str) -> bool:
    print(f"== {module}", flush=True)
    return subprocess.run([sys.executable, "-m", module], check=False, cwd=ROOT).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
