"""``svlm models recommend``, the doctor's line and ``--model auto``, end to end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog, host
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.checkpoints.host import Host
from tests.adapters import make_tiny_adapter
from tests.checkpoints.hosts import H200, LAPTOP, gpu, host_with
from tests.conftest import Svlm, environment

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = "[vision]\nmin_pixels = 3_136\nmax_pixels = 12_544\n"
GUIDE = """purpose = "{purpose}"
memory = [{{ dtype = "float32", fps = 2.0, gb = 0.01 }}, {{ dtype = "bfloat16", fps = 2.0, gb = 0.01 }}]
speed = [{{ hardware = "CPU", cores = 1, dtype = "float32", fps = 2.0, seconds = 0.5, source = "README.md" }}]
"""

OnMachine = Callable[[Host], None]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> OnMachine:
    """Puts svlm on a machine that is made up."""
    return lambda machine: monkeypatch.setattr(host, "look_around", lambda: machine)


@pytest.fixture
def models(tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog of two: a tiny one that comes with svlm, and `speaker`, which is on a hub; and an empty cache."""
    from huggingface_hub import constants

    folder = tmp_path / "models"
    shutil.copytree(tiny_checkpoint, folder / DEFAULT_MODEL)
    (folder / DEFAULT_MODEL / "policy.toml").write_text(f"{SMALL}[model]\nsummary = 'It knows a game.'\n")
    (folder / DEFAULT_MODEL / "guide.toml").write_text(GUIDE.format(purpose="demonstration"))
    (folder / "speaker").mkdir()
    (folder / "speaker" / "policy.toml").write_text(
        f"{SMALL}[model]\nsummary = 'It speaks.'\n[weights]\nhub = 'team/speaker'\nsize_gb = 3.0\n"
    )
    (folder / "speaker" / "guide.toml").write_text(GUIDE.format(purpose="commentary"))
    monkeypatch.setattr(catalog, "models_folder", lambda: folder)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return folder


def put_into_cache(cache: Path, checkpoint: Path, *, without: str = "") -> None:
    """The speaker, as a download leaves it; or as one that was broken off, which lacks a file."""
    repository = cache / "models--team--speaker"
    snapshot = repository / "snapshots" / COMMIT
    shutil.copytree(checkpoint, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    if without:
        (snapshot / without).unlink()
        (repository / "blobs").mkdir()
        (repository / "blobs" / "abc.incomplete").write_bytes(bytes(1_500_000))


def sentences(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("svlm:")]


def test_on_a_gpu_the_best_comes_first_with_its_command(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards the question that the command answers: which, why, how fast and where that was measured, and how."""
    on(host_with(H200))
    done = svlm_inside("models", "recommend")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "NVIDIA H200 (cuda:0), 149.0 GB free; disk free for models: 500.0 GB"
    heading = next(index for index, line in enumerate(lines) if line.startswith("NAME "))
    assert [line.split()[0] for line in lines[heading + 1 : heading + 6]] == [
        "streamingvlm-7b",
        "qwen2.5-vl-7b",
        "qwen2.5-vl-3b",
        "svlm-footage",
        "svlm-mini",
    ]
    assert lines[-1].startswith("Recommended: streamingvlm-7b: Live commentary on sport")
    assert "8.9 x real time at 2 FPS in bfloat16, measured on NVIDIA H200 (random weights of its shape, " in lines[-1]
    assert "8.9 x on NVIDIA H200  " in lines[heading + 1]
    assert lines[-1].endswith("Fetch it (16.6 GB): svlm models pull streamingvlm-7b")


def test_elsewhere_a_speed_is_called_another_machines(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards against an H200's figure that is read as a promise for every GPU."""
    on(host_with(gpu(24)))
    last = svlm_inside("models", "recommend", "--live").stdout.splitlines()[-1]
    assert "tokens said a second); here not measured." in last
    assert "`svlm bench latency --model streamingvlm-7b` says once it is here." in last
    assert "8.9 x at 2 FPS on NVIDIA H200, not here" in svlm_inside("models", "recommend", "--fps", "1.5").stdout
    three = json.loads(svlm_inside("models", "recommend", "--json").stdout)["models"]
    assert {one["name"]: one["speeds"] for one in three}["qwen2.5-vl-3b"] == []


def test_programs_read_numbers(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards scripts that set a machine up: bytes, not texts; the command as it is to be run."""
    on(host_with(gpu(12, total_gb=16), gpu(10, index=1)))
    done = svlm_inside("models", "recommend", "--json", "--fps", "8")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (document["recommended"], document["device"]) == ("qwen2.5-vl-3b", "cuda:0")
    assert document["command"] == "svlm models pull qwen2.5-vl-3b"
    assert document["machine"]["gpus"][0]["free_bytes"] == 12_000_000_000
    rows = {one["name"]: one for one in document["models"]}
    assert rows["qwen2.5-vl-3b"]["memory_bytes"]["bfloat16"] == 11_120_000_000
    assert (rows["streamingvlm-7b"]["fits"], "21.6 GB" in rows["streamingvlm-7b"]["why"]) == ("no", True)
    assert rows["streamingvlm-7b"]["speeds"][0]["source"] == "docs/performance/latency-8-768.json"


def test_without_a_gpu_what_comes_with_svlm_is_called_what_it_is(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards those who would caption their own videos on a laptop: no model that they hope for runs there."""
    on(LAPTOP)
    last = svlm_inside("models", "recommend").stdout.splitlines()[-1]
    assert last.startswith("Recommended: svlm-footage: ")
    assert "No model that can name things fits." in last
    assert "12 x real time at 2 FPS in float32, measured on 2 CPU cores (" in last
    assert last.endswith("Use it: svlm caption VIDEO --model svlm-footage")


def test_nothing_runs_and_nothing_is_known(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards the exit code, which set-up scripts ask; and containers that tell nothing about themselves."""
    on(host_with(ram_gb=0.001, disk_gb=0))
    done = svlm_inside("models", "recommend")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("None of the known models can run on this machine as it is.")
    assert json.loads(svlm_inside("models", "recommend", "--json").stdout)["recommended"] is None
    on(Host(notes=("/x, where models are kept, cannot be read.",)))
    done = svlm_inside("models", "recommend")
    assert (done.returncode, done.stderr) == (0, "")
    assert "memory free: unknown; disk free for models: unknown" in done.stdout
    assert "/x, where models are kept, cannot be read." in done.stdout.splitlines()
    assert "how much the CPU has free is not known" in done.stdout


@pytest.mark.parametrize("fps", ["0", "-1", "1001", "nan"])
def test_a_rate_that_cannot_be(svlm_inside: Svlm, fps: str) -> None:
    """Guards the tables against being asked for a rate that no option of svlm takes."""
    assert svlm_inside("models", "recommend", "--fps", fps).returncode == 2


def test_a_download_that_was_broken_off_is_told(
    svlm_inside: Svlm, models: Path, tiny_checkpoint: Path, on: OnMachine, tmp_path: Path
) -> None:
    """Guards against half a model that counts as one, and against asking for room that it takes already."""
    put_into_cache(tmp_path / "cache", tiny_checkpoint, without="tokenizer.json")
    on(host_with(disk_gb=2.9990))
    document = json.loads(svlm_inside("models", "recommend", "--json").stdout)
    row = document["models"][0]
    assert (row["name"], row["present"], row["begun_bytes"], row["fits"]) == ("speaker", False, 1_500_000, "yes")
    assert "begun: 2 MB of 3.0 GB" in svlm_inside("models", "recommend").stdout
    on(host_with(disk_gb=2.99))
    assert json.loads(svlm_inside("models", "recommend", "--json").stdout)["recommended"] == DEFAULT_MODEL


def test_an_unreadable_cache_is_no_traceback(
    svlm_inside: Svlm, models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards HF_HOME that leads to a file: a sentence, and what comes with svlm is recommended all the same."""
    from huggingface_hub import constants

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    done = svlm_inside("models", "recommend")
    assert (done.returncode, done.stderr) == (0, "")
    assert "is not a folder. Set HF_HOME" in done.stdout


def test_the_doctor_names_it(svlm_inside: Svlm, on: OnMachine) -> None:
    """Guards the way from the doctor to a model: one line, and the command below it."""
    on(host_with(H200))
    checks = {one["name"]: one for one in json.loads(svlm_inside("doctor", "--json").stdout)["checks"]}
    found = checks["recommended"]
    assert found["state"] == "ok"
    assert found["detail"].startswith("streamingvlm-7b: Live commentary on sport")
    assert found["advice"] == "Fetch it (16.6 GB): svlm models pull streamingvlm-7b"
    assert "NVIDIA H200 has 149.0 GB free" in checks["streamingvlm-7b"]["detail"]


def test_auto_takes_what_was_fetched(svlm_inside: Svlm, here: Path, models: Path, tiny_checkpoint: Path) -> None:
    """Guards `--model auto`: the best that is here speaks, one line says so, and results carry its own name."""
    put_into_cache(models.parent / "cache", tiny_checkpoint)
    done = svlm_inside("caption", here.name, "--model", "auto", "-f", "json")
    assert done.returncode == 0, done.stderr
    assert sentences(done.stderr) == ["svlm: auto takes speaker: It speaks."]
    assert json.loads(here.with_suffix(".json").read_text())["model"] == "speaker"


def test_auto_names_the_better_one_and_fetches_nothing(
    svlm_inside: Svlm, here: Path, models: Path, monkeypatch: pytest.MonkeyPatch, on: OnMachine
) -> None:
    """Guards against a download that nobody asked for, also from SVLM_MODEL; quiet is quiet."""
    on(LAPTOP)
    monkeypatch.setenv("SVLM_MODEL", "auto")
    done = svlm_inside("caption", here.name, "-f", "json")
    assert done.returncode == 0, done.stderr
    (line,) = sentences(done.stderr)
    assert line.startswith(f"svlm: auto takes {DEFAULT_MODEL}: It knows a game.")
    assert line.endswith("A better one, speaker (3.0 GB), would fit: svlm models pull speaker")
    assert json.loads(here.with_suffix(".json").read_text())["model"] == DEFAULT_MODEL
    assert not (models.parent / "cache").exists()
    assert svlm_inside("caption", here.name, "-f", "json", "--overwrite", "--quiet").stderr == ""


def test_auto_passes_by_half_a_model(
    svlm_inside: Svlm, here: Path, models: Path, tiny_checkpoint: Path, on: OnMachine
) -> None:
    """Guards against a model that was downloaded by halves, which would end in an error."""
    put_into_cache(models.parent / "cache", tiny_checkpoint, without="tokenizer.json")
    on(LAPTOP)
    done = svlm_inside("caption", here.name, "--model", "auto")
    assert done.returncode == 0, done.stderr
    assert f"auto takes {DEFAULT_MODEL}" in sentences(done.stderr)[0]


def test_auto_with_none_here_is_one_sentence(svlm_inside: Svlm, here: Path, models: Path, on: OnMachine) -> None:
    """Guards an installation without a model of its own: exit code 4, and what to do."""
    on(LAPTOP)
    shutil.rmtree(models / DEFAULT_MODEL)
    done = svlm_inside("caption", here.name, "--model", "auto")
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "No known model is on this machine. `svlm models recommend` says which would fit" in done.stderr


def test_auto_has_no_revision_and_is_no_base(svlm_inside: Svlm, here: Path, models: Path, tmp_path: Path) -> None:
    """Guards against a revision that would belong to whichever model is chosen, and where nothing is watched."""
    done = svlm_inside("caption", here.name, "--model", "auto", "--revision", "v2")
    assert (done.returncode, "has no revision" in done.stderr) == (2, True)
    done = svlm_inside("models", "show", "auto")
    assert (done.returncode, "chooses a model for commands that watch video" in done.stderr) == (4, True)


def test_an_adapter_speaks_on_its_own_base(
    svlm_inside: Svlm, here: Path, models: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Guards adapters, for whoever has `auto` as the usual model: on another base they say nothing of worth."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    options = ("--adapter", adapter, "--set", "vision.max_pixels=12544", "--set", "vision.min_pixels=3136")
    done = svlm_inside("caption", here.name, "--model", "auto", "-f", "json", *options)
    assert done.returncode == 0, done.stderr
    assert not [line for line in sentences(done.stderr) if "auto takes" in line]
    assert json.loads(here.with_suffix(".json").read_text())["model"] == f"{tiny_checkpoint} + {adapter}"


def test_benches_and_evaluations_take_auto_too(svlm_inside: Svlm, models: Path, on: OnMachine) -> None:
    """Guards figures against the name `auto`, which says nothing of what was measured."""
    on(LAPTOP)
    options = ("--rounds", "2", "--tokens", "2", "--size", "56x56", "--quiet")
    done = svlm_inside("bench", "latency", "--json", "--model", "auto", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["setting"]["model"] == DEFAULT_MODEL


def test_no_torch_is_imported() -> None:
    """Guards the seconds that torch takes: a GPU is looked for without it."""
    code = """
import sys
from svlm_cli.commands.app import main
assert main(["models", "recommend"]) == 0
assert not {"torch", "transformers"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
