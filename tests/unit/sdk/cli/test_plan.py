from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgeslm.cli.main import main
from simulators.hub import Hub, Repository, running
from support.checkpoints import build_checkpoint, case_named
from support.quantized_layouts import draw, gptq, linear_shapes, write_quantized
from support.references import TESTS
from support.tiny import tiny_case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build_checkpoint(case_named("llama-tied-f32"), tmp_path_factory.mktemp("checkpoints") / "tiny"))


def test_plan_shows_what_is_kept_dropped_and_tried(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "jetson-nano"]) == 0
    printed = capsys.readouterr().out
    assert "tiny_wi4b32-afp32_onnx_128" in printed
    assert "bits a weight" in printed
    assert "no int8 dot product" in printed
    assert "to try, until one passes the quality gate: w" in printed
    assert "from estimates" in printed.splitlines()[0]


def test_plan_as_json_has_the_keys_of_the_contract(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "raspberry-pi-5", "--recipe", "wi8-afp32", "--context", "64", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgeslm.plan/1"
    candidate = document["candidates"][0]
    assert (candidate["variant"], candidate["kept"]) == ("tiny_wi8-afp32_onnx_64", True)
    assert candidate["estimate"]["decode_tps"]["on"] == "raspberry-pi-5"
    assert candidate["estimate"]["decode_tps"]["basis"] == "estimated"


def test_an_unusual_recipe_is_priced_by_its_specification(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["wi4b32-afp32-ou4b16-gi4b128-dfp16", "wi4b32-afp32-di4b32"]
    recipes = [word for name in names for word in ("--recipe", name)]
    assert main(["plan", tiny, "--device", "raspberry-pi-5", "--format", "onnx", *recipes, "--json"]) == 0
    unusual, redundant = sorted(json.loads(capsys.readouterr().out)["candidates"], key=lambda c: -c["effective_bits"])
    assert unusual["recipe"] == names[0]
    assert redundant["recipe"] == "wi4b32-afp32"
    assert unusual["effective_bits"] > redundant["effective_bits"] >= 5
    assert unusual["estimate"]["weights_bytes"]["value"] > redundant["estimate"]["weights_bytes"]["value"]


def test_nothing_fits_is_exit_1_with_every_reason(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "raspberry-pi-zero-2-w", "--memory", "64MB"]) == 1
    told = capsys.readouterr().err
    assert "nothing of tiny fits raspberry-pi-zero-2-w" in told
    assert told.count("at its peak") >= 7
    assert "no int8 dot product" in told
    assert "hint" in told


def test_nothing_fits_as_json_is_one_error_document(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "riscv-visionfive2", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["error"], document["exit_code"]) == ("edgeslm.error/1", "NothingFits", 1)


def test_model_left_out_is_the_builtin_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--device", "jetson-nano", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["candidates"][0]["variant"].startswith("home_")


def test_plan_for_an_own_profile_file(tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-board.yaml"
    file.write_text(
        "title: mine\nbased_on: raspberry-pi-5-8gb\nmemory_mb: 2048\napp_budget_mb: 1500\n"
        "app_budget: {verified: false, why: a guess}\n"
    )
    assert main(["plan", tiny, "--device", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "my-board"


def test_broken_profile_file_is_exit_3_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("title: mine\nmemory_mb: lots\ncolour: red\n")
    assert main(["plan", "--device", str(file)]) == 3
    told = capsys.readouterr().err
    assert f"{file}:2: memory_mb" in told
    assert f"{file}:3: colour" in told


@pytest.mark.parametrize(
    "extra",
    [
        ["--context", "0"],
        ["--context", "many"],
        ["--recipe", "int4"],
        ["--recipe", "mixed"],
        ["--memory", "much"],
        ["--objective", "x"],
        ["--task", "prompt=500"],
        ["--task", "500,60"],
        ["--task", "prompt=0,answer=5"],
        ["--max-memory", "-5MB"],
        ["--max-memory", "0"],
        ["--max-first-token", "soon"],
        ["--min-decode", "-4"],
        ["--min-decode", "nan"],
        ["--max-divergence", "little"],
        ["--max-energy", "-1"],
    ],
)
def test_wrong_option_is_exit_2(extra: list[str], tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "jetson-nano", *extra]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (["--max-memory", "1MB"], "1.00 MB at most is asked"),
        (["--max-first-token", "1ms"], "1.00 ms at most is asked"),
        (["--max-answer-time", "1ms"], "1.00 ms at most is asked"),
        (["--min-decode", "1e9"], "at least is asked"),
        (["--max-energy", "5"], "the energy of an answer on jetson-nano is unknown"),
        (["--task", "prompt=1000,answer=60"], "a task of 1060 tokens does not fit a context of 128"),
    ],
)
def test_impossible_limits_are_answered_no_with_every_reason(
    extra: list[str], reason: str, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", tiny, "--device", "jetson-nano", "--json", *extra]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "edgeslm.error/1"
    assert any(reason in why for why in told["reasons"])


def test_plan_says_what_was_wanted_the_front_and_the_binding_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tiny_case(hidden_size=512, intermediate_size=1376)  # large enough for its bits to show in the peak
    command = [
        "plan",
        str(build_checkpoint(case, tmp_path / "wide")),
        "--device",
        "jetson-nano",
        "--objective",
        "quality",
        "--task",
        "prompt=60,answer=40",
    ]
    command += ["--format", "onnx"]
    command += ["--recipe", "wi4b32-afp32", "--recipe", "fp16"]  # of all recipes others would fit, with a smaller cache
    assert main([*command, "--json"]) == 0
    free = json.loads(capsys.readouterr().out)
    assert (free["objective"], free["task"], free["limits"]) == ("quality", {"prompt": 60, "answer": 40}, {})
    assert (free["binding"], free["prices"]) == (None, [])
    kept = {entry["variant"]: entry["estimate"]["peak_bytes"]["high"] for entry in free["candidates"] if entry["kept"]}
    assert set(free["pareto"]) <= set(kept)
    floats = [variant for variant in kept if "fp16" in variant]
    limit = str(int(min(kept[variant] for variant in floats) - 1))
    assert main([*command, "--max-memory", limit, "--json"]) == 0
    bound = json.loads(capsys.readouterr().out)
    assert bound["limits"] == {"memory_bytes": float(limit)}
    assert bound["binding"]["bound"] == "memory"
    assert bound["binding"]["wins"] in floats
    assert main([*command, "--max-memory", limit]) == 0
    assert f"binding: {bound['binding']['sentence']}" in capsys.readouterr().out


def test_energy_nobody_knows_is_said(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", tiny, "--device", "jetson-nano", "--objective", "energy"]) == 0
    assert "the energy of an answer on jetson-nano is unknown: ordered by" in capsys.readouterr().out


def test_plan_reads_no_weights_and_loads_no_runtime(tiny: str) -> None:
    probe = (
        "import sys; from edgeslm.cli.main import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'onnx', 'onnxruntime', 'torch', 'tokenizers', 'transformers'} & set(sys.modules)))"
    )
    child = subprocess.run(
        [sys.executable, "-c", probe, "plan", tiny, "--device", "jetson-nano", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert child.stdout.splitlines()[-1] == "0 []"


def test_a_checkpoint_that_came_quantised_is_planned_in_its_own_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = {module: gptq(module, draw(shape, 4, 32, symmetric=True), 4) for module, shape in linear_shapes().items()}
    said = {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": True, "desc_act": True}
    folder = write_quantized(tmp_path / "quantised", said, layers)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    assert main(["plan", str(folder), "--device", "raspberry-pi-5"]) == 0
    printed = capsys.readouterr().out
    assert "to try, until one passes the quality gate: wi4b32-afp32-hi8b32" in printed
    assert "licence apache-2.0" in printed
    assert "act-order" in printed
    assert main(["plan", str(folder), "--device", "raspberry-pi-5", "--recipe", "wi8-afp32", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = {(candidate["recipe"], candidate["format"]) for candidate in document["candidates"]}
    assert found == {("wi8-afp32", "onnx"), ("wi8-afp32", "tflite")}
    assert document["licence"] == "apache-2.0"
    assert any("act-order" in note for note in document["notes"])


def test_an_adapter_for_another_model_is_exit_5(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = str(TESTS / "references" / "adapters" / "plain")
    assert main(["plan", tiny, "--device", "raspberry-pi-5", "--adapter", adapter]) == 5
    assert "made for another model" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("offline", "code"), [("0", 0), ("1", 7)])
def test_a_hub_id_is_planned_from_headers_alone(tmp_path: Path, offline: str, code: int) -> None:
    """As a user does it: another process, told of the hub by its environment; nothing is cached."""
    repository = Repository.of_folder(build_checkpoint(case_named("llama-untied-bf16-sharded"), tmp_path / "tiny"))
    with running(Hub({"owner/tiny": repository})) as hub:
        told = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": offline}
        command = [sys.executable, "-m", "edgeslm", "plan", "owner/tiny@v1.0", "--device", "raspberry-pi-5", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **told}, check=False)
    assert done.returncode == code, done.stderr
    shards = [name for name in repository.files if name.endswith(".safetensors")]
    assert [request.range for name in shards for request in hub.asked(name) if request.range is None] == []
    assert json.loads(done.stdout)["schema"] == ("edgeslm.plan/1" if code == 0 else "edgeslm.error/1")
