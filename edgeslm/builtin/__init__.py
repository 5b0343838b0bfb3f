"""The model that ships with the package: `home`, which turns household commands into JSON actions."""

from pathlib import Path

__all__ = ["home", "tasks"]


def home() -> Path:
    """The folder of the built-in checkpoint, in Hugging Face layout."""
    return Path(__file__).parent / "home"


def tasks(name: str) -> Path:
    """A shipped task file: "combinations", "templates", "lists" or "free"; a line has a prompt and what is expected."""
    return home() / "tasks" / f"{name}.jsonl"
