"""`svlm eval footage`: a model plays simulated footage, and its statements are held against the truth."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands.app import main

SHORT = ["--minutes", "0.1", "--device", "cpu", "--quiet"]


def _told(capsys: pytest.CaptureFixture[str], *options: object) -> dict[str, Any]:
    assert main(["eval", "footage", *map(str, options), *SHORT, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_model_is_scored(tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the whole way: footage of photos in processes of their own, the engine, the words, the score."""
    Image.effect_noise((400, 300), 90).convert("RGB").save(tmp_path / "photo.jpg")
    told = _told(capsys, "--model", tiny_checkpoint, "--matches", 2, "--seed", 5, "--photos", tmp_path)
    assert told["eval"] == "footage"
    assert {name: told["setting"][name] for name in ("matches", "seed", "photos", "mode")} == {
        "matches": 2,
        "seed": 5,
        "photos": str(tmp_path),
        "mode": "streaming",
    }
    assert told["f1"]["all"]["value"] == 0.0, "random weights tell nothing"
    assert told["unread"] > 0
    assert told["controls"]["reference"]["all"] == 1.0
    assert told["controls"]["empty"]["all"] == 0.0
    assert len(told["f1_by_fifth"]) == 5
    assert told["timing"]["rounds"] == 6


def test_tables(tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "footage", "--model", str(tiny_checkpoint), "--seed", "5", *SHORT]) == 0
    shown = capsys.readouterr().out
    assert "95 % interval" in shown
    assert "3 s late" in shown


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--minutes", "0"], ExitCode.USAGE, "0 minutes is not a valid length"),
        (["--photos", "nowhere"], ExitCode.INPUT, "nowhere cannot be read"),
        (["--minutes", "0.02"], ExitCode.USAGE, "The footage is too short: nothing is said in it."),
    ],
)
def test_what_cannot_be_is_told(
    tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, message: str
) -> None:
    assert main(["eval", "footage", "--model", str(tiny_checkpoint), "--seed", "5", *options]) == code
    assert message in capsys.readouterr().err
