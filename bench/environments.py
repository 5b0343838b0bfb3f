"""Each peer's own environment, made from bench/peers/NAME.txt (`python -m bench.environments` makes them all).

They live in .cache/peers/NAME, or under the folder that EDGESLM_PEERS names, where an environment that exists is used
as it is. A build that fails leaves nothing behind that looks finished.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "bench" / "peers"


def peer_python(name: str) -> Path:
    """Return the interpreter of a peer's environment, making the environment first when it is absent."""
    folder = Path(os.environ.get("EDGESLM_PEERS") or CACHE / "peers") / name
    python = folder / "bin" / "python"
    if "EDGESLM_PEERS" in os.environ and python.exists():
        return python
    finished = folder / "finished"
    wanted = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    if not finished.exists() or finished.read_text(encoding="utf-8") != wanted:
        _make(folder, REQUIREMENTS / f"{name}.txt")
        finished.write_text(wanted, encoding="utf-8")
    return python


def _make(folder: Path, requirements: Path) -> None:
    """Build the environment; llama.cpp compiles here, which takes minutes and is said so."""
    sys.stderr.write(f"making the environment of {requirements.stem} (minutes the first time)\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    environment = {**os.environ, "CMAKE_ARGS": "-DGGML_NATIVE=ON"}
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
    subprocess.run(pip, check=True, env=environment)


def main() -> None:
    """Make every environment."""
    for requirements in sorted(REQUIREMENTS.glob("*.txt")):
        sys.stderr.write(f"{requirements.stem}: {peer_python(requirements.stem).parent.parent.name} ready\n")


if __name__ == "__main__":
    main()
