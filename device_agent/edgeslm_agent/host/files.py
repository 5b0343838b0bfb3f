"""Small files of the kernel: read whole, or not there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")
READ_BYTES = 1 << 20  # more than /proc/cpuinfo of a large server


def read_text(file: Path) -> str:
    """Return the file's text without surrounding blanks and NULs (the device tree ends with one), '' if unreadable."""
    try:
        with file.open("rb") as stream:
            return stream.read(READ_BYTES).decode(errors="replace").strip("\0 \t\r\n")
    except OSError:
        return ""


def read_int(file: Path) -> int | None:
    """Return the file's first word as an integer, or None."""
    words = read_text(file).split()
    try:
        return int(words[0]) if words else None
    except ValueError:
        return None


def kilobytes(text: str) -> dict[str, int]:
    """Return the lines `Name:   123 kB` of a text as bytes by name."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            found[name] = int(words[0]) * 1024
    return found


def cgroup_folders(root: Path, controller: str) -> list[Path]:
    """Return this process's folder in the hierarchy of `controller` and those above it, innermost first.

    Version 2 has one hierarchy ("0::/path" in /proc/self/cgroup), version 1 one per controller ("4:memory:/path").
    Inside a container the path may name a folder of the host; then only the top is there to be read.
    """
    for line in read_text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            top = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controller
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        folders = [top.joinpath(*parts[:count]) for count in range(len(parts), -1, -1)]
        if present := [folder for folder in folders if folder.is_dir()]:
            return present
    return []
