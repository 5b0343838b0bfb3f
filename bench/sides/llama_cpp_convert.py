"""Write a Llama checkpoint as GGUF and let llama.cpp's own quantiser make Q4_0 or Q8_0 of it.

Runs in the peer's environment: `python -m bench.sides.llama_cpp_convert CHECKPOINT OUT.gguf KIND`. The quantiser keeps
the norms in F32 and chooses the type of the tied embedding itself: for Q4_0, since rows of 576 do not divide into its
blocks of 256, it falls back from Q6_K to Q8_0.
"""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import llama_cpp
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
FILE_TYPES = {"q4_0": 2, "q8_0": 7}  # LLAMA_FTYPE_MOSTLY_Q4_0 and Q8_0


def main(checkpoint: Path, out: Path, kind: str) -> None:
    """Convert and quantise."""
    wide = out.with_suffix(".f16.gguf")
    _write_f16(checkpoint, wide)
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = FILE_TYPES[kind]
    settings.nthread = 2
    partial = out.with_suffix(".partial")
    if llama_cpp.llama_model_quantize(str(wide).encode(), str(partial).encode(), ctypes.byref(settings)) != 0:
        raise RuntimeError("llama.cpp's quantiser failed")
    wide.unlink()
    partial.rename(out)


def _write_f16(checkpoint: Path, path: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_facts(writer, config)
    for name, values in _tensors(checkpoint / "model.safetensors"):
        stored = values if values.ndim == 1 else values.astype(np.float16)
        writer.add_tensor(_gguf_name(name), _rotary_order(name, stored, config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_facts(writer: gguf.GGUFWriter, config: dict[str, int]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("none")  # the bench feeds token ids


def _tensors(path: Path) -> list[tuple[str, NDArray[np.float32]]]:
    """Read every BF16 tensor of one safetensors file as float32."""
    data = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:start].tobytes())
    header.pop("__metadata__", None)
    found = []
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        wide = np.frombuffer(data[begin:end].tobytes(), "<u2").astype(np.uint32) << 16
        found.append((name, wide.view(np.float32).reshape(entry["shape"])))
    return found


def _gguf_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def _rotary_order(name: str, values: NDArray[np.generic], config: dict[str, int]) -> NDArray[np.generic]:
    """Interleave the halves of each head of q and k: llama.cpp turns neighbours where Hugging Face turns halves."""
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    key = next((count for projection, count in heads.items() if projection in name), None)
    if key is None:
        return values
    rows, columns = values.shape
    halves = values.reshape(config[key], 2, rows // config[key] // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
