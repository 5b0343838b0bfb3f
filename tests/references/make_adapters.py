"""Make the committed LoRA adapters with PEFT, and what PEFT computes from them without merging (`make references`).

For every adapter below: a case's checkpoint with PEFT's layers around it, drawn weights in their factors, saved as
PEFT saves it, and the logits of the case's prompt. `--check` remakes the logits of the committed adapters.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

import torch  # noqa: E402  # the path above must be set before our own imports, and isort keeps them together
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from support.checkpoints import build_checkpoint, case_named  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

ADAPTERS = TESTS / "references" / "adapters"
TOLERANCE = 1e-4  # max-abs between two machines' float32 logits of the same checkpoint


@dataclass(frozen=True)
class Adapter:
    """One adapter: the case it is for and PEFT's settings; its name is that of its folder."""

    name: str
    case: str
    settings: dict[str, Any] = field(default_factory=dict)


MADE = (
    Adapter(
        "plain",
        "llama-untied-bf16-sharded",
        {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]},
    ),
    Adapter(
        "patterns",
        "llama-untied-bf16-sharded",
        {
            "r": 4,
            "lora_alpha": 8,
            "use_rslora": True,
            "target_modules": ["q_proj", "k_proj", "gate_proj", "embed_tokens"],
            "rank_pattern": {"layers.1.self_attn.q_proj": 2},
            "alpha_pattern": {"layers.1.self_attn.q_proj": 3, "gate_proj": 16},
            "modules_to_save": ["lm_head"],
        },
    ),
    Adapter("turned", "gpt2", {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn", "c_fc"], "fan_in_fan_out": True}),
)


def main() -> int:
    """Check or write every adapter; return 1 when one differs."""
    parser = argparse.ArgumentParser(description="Make LoRA adapters with PEFT, and their logits.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="remake the logits of the committed adapters and compare")
    mode.add_argument("--write", action="store_true", help="make the adapters anew")
    write = parser.parse_args().write
    warnings.simplefilter("ignore")  # PEFT warns of what the cases are about
    return max(_write(adapter) if write else _check(adapter) for adapter in MADE)


def _write(adapter: Adapter) -> int:
    torch.manual_seed(0)
    folder = ADAPTERS / adapter.name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        model = get_peft_model(_base(adapter, Path(scratch)), LoraConfig(task_type="CAUSAL_LM", **adapter.settings))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name or "modules_to_save" in name:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        model.peft_config["default"].base_model_name_or_path = adapter.case
        model.save_pretrained(folder)
    (folder / "README.md").unlink()
    (folder / "adapter_model.safetensors").chmod(0o644)
    np.savez_compressed(folder / "logits.npz", logits=_logits(adapter, folder))
    print(f"{adapter.name}: written")  # noqa: T201  # a script's result
    return 0


def _check(adapter: Adapter) -> int:
    folder = ADAPTERS / adapter.name
    with np.load(folder / "logits.npz") as committed:
        difference = float(np.abs(_logits(adapter, folder) - committed["logits"]).max())
    print(f"{adapter.name}: differs by {difference:.1e}")  # noqa: T201  # a script's result
    return int(not difference <= TOLERANCE)


def _base(adapter: Adapter, scratch: Path) -> Any:  # noqa: ANN401  # transformers has no types
    folder = build_checkpoint(case_named(adapter.case), scratch / adapter.name)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def _logits(adapter: Adapter, folder: Path) -> NDArray[np.float32]:
    """Return the logits [tokens, vocabulary] of the case's prompt, the adapter beside the weights, not merged."""
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        model = PeftModel.from_pretrained(_base(adapter, Path(scratch)), folder).eval()
        prompt = torch.tensor([case_named(adapter.case).prompt()])
        logits: NDArray[np.float32] = model(prompt).logits[0].numpy()
        return logits


if __name__ == "__main__":
    sys.exit(main())
