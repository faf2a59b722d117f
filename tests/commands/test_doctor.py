"""`svlm doctor`: what it finds on this machine, and what it says of one where things are missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.commands.doctor import configuration
from tests.checkpoints.fake import fake_checkpoint
from tests.conftest import ROOT, Svlm, environment

HEAVY = ("torch", "transformers", "decord")
MODELS = {path.parent.name for path in (ROOT / "models").glob("*/policy.toml")}
EMBEDDED = {path.parent.name for path in (ROOT / "models").glob("*/config.json")}


def doctor_without(*modules: str, path: Path, as_json: bool = True) -> subprocess.CompletedProcess[str]:
    """The doctor where importing any of ``modules`` fails, and PATH is ``path``."""
    script = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
    script += "from svlm_cli.commands.app import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", script, "doctor", *(["--json"] if as_json else [])],
        env=environment(PATH=str(path)),
        capture_output=True,
        text=True,
        check=False,
    )


def checks(report: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(report)["checks"]}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the doctor finds where nothing is installed that svlm can be imported without."""
    return checks(doctor_without(*HEAVY, path=tmp_path_factory.mktemp("empty")).stdout)


def test_this_machine_can_caption(svlm_inside: Svlm) -> None:
    """Guards the exit code, which set-up scripts ask: the environment of these tests has all that is needed."""
    done = svlm_inside("doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ready"] is True
    found = checks(done.stdout)
    checked = (
        "svlm system python ffmpeg codecs torch device attention triton flash-attn transformers peft bitsandbytes "
        "decord cache folder"
    )
    assert {*checked.split(), "recommended", "terminal", "config", "environment", "hub"} | MODELS == set(found)
    assert [name for name, check in found.items() if check["state"] == "missing"] == []
    assert "auto takes sdpa on cpu; flash2 is not installed, flash4 is not installed." in found["attention"]["detail"]
    assert found[catalog.DEFAULT_MODEL]["detail"].endswith("0.032 GiB of memory on cpu for one stream")
    assert str(ROOT / ".pytest_cache" / "hub") in found["cache"]["detail"]


def test_no_torch(tmp_path: Path) -> None:
    """Guards the doctor itself: on the machine that needs it most, half of the imports fail."""
    done = doctor_without(*HEAVY, path=tmp_path, as_json=False)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert any(line.startswith("OK        python ") for line in lines)
    assert any(line.startswith("MISSING   transformers ") for line in lines)
    assert any(line.startswith("OPTIONAL  decord ") for line in lines)
    torch = next(index for index, line in enumerate(lines) if line.startswith("MISSING   torch "))
    assert lines[torch + 1].strip() == "Run `pip install torch`."


def test_models_that_are_not_here_come_with_their_command(bare: dict[str, dict[str, Any]]) -> None:
    """Guards the way from an empty machine to a first caption: each absent model names the line that fetches it."""
    assert "streamingvlm-7b" in MODELS - EMBEDDED
    for name in MODELS - EMBEDDED:
        assert bare[name]["state"] == "optional"
        assert f"`svlm models pull {name}`" in bare[name]["advice"]


def test_the_model_that_comes_with_svlm(svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the first caption: what is used unasked is there, or is called missing, and hides no sound model."""
    models = tmp_path / "models"
    fake_checkpoint(models / catalog.DEFAULT_MODEL)
    (models / catalog.DEFAULT_MODEL / "policy.toml").write_text("")
    (models / "remote").mkdir()
    (models / "remote" / "policy.toml").write_text("[weights]\nhub = 'team/model'\n")
    monkeypatch.setattr(catalog, "models_folder", lambda: models)
    sound = checks(svlm_inside("doctor", "--json").stdout)
    assert sound[catalog.DEFAULT_MODEL]["state"] == "ok"
    assert "unless another is named" in sound[catalog.DEFAULT_MODEL]["detail"]
    (models / catalog.DEFAULT_MODEL / "tokenizer.json").unlink()
    done = svlm_inside("doctor", "--json")
    broken = checks(done.stdout)
    assert (done.returncode, broken[catalog.DEFAULT_MODEL]["state"]) == (1, "missing")
    assert broken[catalog.DEFAULT_MODEL]["advice"] == "Install svlm-cli again."
    assert broken["remote"] == sound["remote"]


def test_the_static_ffmpeg_will_do(bare: dict[str, dict[str, Any]]) -> None:
    """Guards machines with no ffmpeg of their own: the wheel imageio-ffmpeg carries one."""
    assert bare["ffmpeg"]["state"] == "ok"
    assert "imageio_ffmpeg" in bare["ffmpeg"]["detail"]


def test_no_ffmpeg_at_all(svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the advice: without ffmpeg nothing can be read."""
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = svlm_inside("doctor", "--json")
    assert (done.returncode, json.loads(done.stdout)["ready"]) == (1, False)
    found = checks(done.stdout)["ffmpeg"]
    assert found["state"] == "missing"
    assert found["advice"]


def test_an_ffmpeg_that_does_not_run(svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards broken installations, such as a library that is gone: found is not the same as works."""
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = checks(svlm_inside("doctor", "--json").stdout)["ffmpeg"]
    assert found["state"] == "missing"
    assert str(tmp_path / "ffmpeg") in found["detail"]


def test_a_configuration_that_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards who wonders why nothing works: the doctor comes through, and says what to mend."""
    (tmp_path / "c.toml").write_text("[caption]\nfsp = 2\n")
    monkeypatch.setenv("SVLM_CONFIG", str(tmp_path / "c.toml"))
    found = configuration()
    assert (found.state, found.advice) == ("warning", "Did you mean 'caption.fps'?")
    (tmp_path / "c.toml").write_text("seed = 3\n[caption]\nfps = 2\n")
    assert configuration().detail.endswith("c.toml: 2 settings; `svlm config` shows all")


def test_a_model_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, svlm_inside: Svlm) -> None:
    """Guards against a download or a start that memory will end."""
    from svlm_cli.compute import device

    monkeypatch.setattr(device, "free_bytes", lambda _: 1000)
    found = checks(svlm_inside("doctor", "--json").stdout)[catalog.DEFAULT_MODEL]
    assert (found["state"], "--dtype bfloat16" in found["advice"]) == ("warning", True)
