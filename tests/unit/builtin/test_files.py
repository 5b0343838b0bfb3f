"""The files that ship: weights as stated, task files as promised, a tokenizer that gives every output back."""

from __future__ import annotations

import json
import struct
from functools import reduce
from itertools import islice
from typing import Any

import pytest
from tokenizers import Tokenizer

from edgeslm import builtin
from edgeslm.builtin.training import tasks as training_tasks
from edgeslm.builtin.training.sentences import stream
from edgeslm.builtin.training.split import compact, held_out_combination
from unit.builtin.test_generator import problems

SIZES = {"combinations": 1000, "templates": 1000, "lists": 300, "free": 100}
MEGABYTE = 1_000_000


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in builtin.tasks(name).read_text(encoding="utf-8").splitlines()]


def steps(row: dict[str, Any]) -> list[dict[str, Any]]:
    expected = row["expected"]
    return expected if isinstance(expected, list) else [expected]


@pytest.fixture(scope="module")
def header() -> dict[str, Any]:
    with (builtin.home() / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        found: dict[str, Any] = json.loads(file.read(length))
    found.pop("__metadata__", None)
    return found


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((builtin.home() / "config.json").read_text())
    return found


def test_weights_are_small_and_16_bit(header: dict[str, Any]) -> None:
    parameters = sum(reduce(int.__mul__, entry["shape"], 1) for entry in header.values())
    assert parameters <= 3_000_000
    assert (builtin.home() / "model.safetensors").stat().st_size <= 6 * MEGABYTE
    assert {entry["dtype"] for entry in header.values()} == {"F16"}


def test_shapes_agree_with_the_config(header: dict[str, Any], config: dict[str, Any]) -> None:
    hidden, ffn, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    kv = config["num_key_value_heads"] * head
    layer = {
        "input_layernorm": [hidden],
        "post_attention_layernorm": [hidden],
        "self_attn.q_proj": [hidden, hidden],
        "self_attn.k_proj": [kv, hidden],
        "self_attn.v_proj": [kv, hidden],
        "self_attn.o_proj": [hidden, hidden],
        "mlp.gate_proj": [ffn, hidden],
        "mlp.up_proj": [ffn, hidden],
        "mlp.down_proj": [hidden, ffn],
    }
    expected = {
        f"model.layers.{i}.{name}.weight": shape
        for i in range(config["num_hidden_layers"])
        for name, shape in layer.items()
    }
    expected |= {"model.embed_tokens.weight": [config["vocab_size"], hidden], "model.norm.weight": [hidden]}
    assert {name: entry["shape"] for name, entry in header.items()} == expected
    assert config["tie_word_embeddings"]
    assert config["architectures"] == ["LlamaForCausalLM"]


def test_special_tokens_are_where_the_config_says(config: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_file(str(builtin.home() / "tokenizer.json"))
    assert [tokenizer.token_to_id(t) for t in ("<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")] == [0, 1, 2, 3]
    assert (config["pad_token_id"], config["bos_token_id"], config["eos_token_id"]) == (0, 1, 3)
    assert tokenizer.get_vocab_size() == config["vocab_size"]


@pytest.mark.parametrize("name", SIZES)
def test_task_files_are_well_formed(name: str) -> None:
    tasks = rows(name)
    assert len(tasks) == SIZES[name]
    assert all(set(row) == {"prompt", "expected"} and row["prompt"].strip() for row in tasks)
    assert [(row["prompt"], p) for row in tasks for step in steps(row) for p in problems(step)] == []


@pytest.mark.parametrize("name", SIZES)
def test_every_expected_output_survives_the_tokenizer(name: str) -> None:
    tokenizer = Tokenizer.from_file(str(builtin.home() / "tokenizer.json"))
    for row in rows(name):
        text = compact(row["expected"])
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


@pytest.mark.parametrize("name", ["combinations", "lists"])
def test_every_combination_task_holds_an_unseen_combination(name: str) -> None:
    assert all(any(held_out_combination(step) for step in steps(row)) for row in rows(name))


def test_lists_have_three_steps() -> None:
    assert all(len(steps(row)) == 3 for row in rows("lists"))


def test_no_task_is_in_the_training_stream() -> None:
    trained = {(e.prompt.lower(), e.output) for e in islice(stream(2026), 8000)}
    tasks = {
        (row["prompt"].lower(), compact(row["expected"]))
        for name in ("combinations", "lists", "templates")
        for row in rows(name)
    }
    assert not trained & tasks


@pytest.mark.parametrize("name", training_tasks.MAKERS)
def test_the_task_files_are_what_the_generator_makes(name: str) -> None:
    made = training_tasks.MAKERS[name](40)
    assert [{"prompt": e.prompt, "expected": e.expected} for e in made] == rows(name)[:40]


def test_the_model_card_speaks_of_this_model(header: dict[str, Any]) -> None:
    card = (builtin.home() / "README.md").read_text(encoding="utf-8")
    parameters = sum(reduce(int.__mul__, entry["shape"], 1) for entry in header.values())
    assert f"{parameters:,}".replace(",", " ") in card
    assert all(f"| {name} |" in card for name in SIZES)
