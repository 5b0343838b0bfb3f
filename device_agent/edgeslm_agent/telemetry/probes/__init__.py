"""One file per source of facts. A probe module has `FIGURES` (name -> unit and meaning) and `probe(root) -> Read`.

`root` is `/`, or a folder that looks like it. A source that is absent contributes nothing: `Read` returns {} for ever.
Adding a source is adding a file and its name to NAMES.
"""

from __future__ import annotations

NAMES = ("cpu", "memory", "process", "thermal", "raspberry_pi", "tegra", "disk", "uptime")
