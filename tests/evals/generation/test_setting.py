"""By what predictions were made: another setting does not go on with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputExistsError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.evals.generation.setting import RunFile, StreamSetting, made_by

SETTING = StreamSetting("commentary", "mini", "ab", "float32", StreamPolicy(), "Comment", 0, "cd", 1000.0, None)


def test_the_same_setting_goes_on(tmp_path: Path) -> None:
    """Guards a resumed run; a model that lies elsewhere, under another name, is the same one."""
    first = RunFile(tmp_path / "a.jsonl")
    first.begin(SETTING.to_json())
    first.end("a.mp4", 1250.5)
    (tmp_path / "a.jsonl").write_text("{}\n")
    second = RunFile(tmp_path / "a.jsonl")
    second.begin(replace(SETTING, model="other").to_json())
    assert second.ended == {"a.mp4": 1250.5}
    assert {one.name for one in tmp_path.iterdir()} == {"a.jsonl", "a.jsonl.run.json"}


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(SETTING, seed=1), "seed"),
        (replace(SETTING, model_files="cd"), "model files"),
        (replace(SETTING, policy=StreamPolicy().changed(PolicyOverrides(temperature=0.5))), "policy"),
        (replace(SETTING, chunk=100.0, start=0.0), "start, chunk"),
        (replace(SETTING, annotations="x"), "annotations"),
        (replace(SETTING, dtype="fp8"), "dtype"),
        (replace(SETTING, query="Sing"), "query"),
    ],
)
def test_another_setting_is_refused(tmp_path: Path, other: StreamSetting, named: str) -> None:
    """Guards against a file of which half was said by somebody else."""
    RunFile(tmp_path / "a.jsonl").begin(SETTING.to_json())
    with pytest.raises(OutputExistsError, match=rf"begun with another setting: {named}\. Use --overwrite"):
        RunFile(tmp_path / "a.jsonl").begin(other.to_json())


def test_a_file_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    with pytest.raises(OutputExistsError, match="the settings that it was made with are missing"):
        RunFile(tmp_path / "a.jsonl").begin(SETTING.to_json())


@pytest.mark.parametrize("text", ["", "[]", '{"setting": {}, "ended": {"a": "x"}}', "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl.run.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"a\.jsonl\.run\.json was not written by svlm, or is damaged"):
        RunFile(tmp_path / "a.jsonl").begin(SETTING.to_json())


def test_a_report_can_say_what_predictions_were_made_by(tmp_path: Path) -> None:
    """Guards two files that look alike: of another seed, of another model, of the same model under another name."""
    told = {}
    for name, setting in {
        "a": SETTING,
        "seed": replace(SETTING, seed=1),
        "files": replace(SETTING, model_files="cd"),
        "name": replace(SETTING, model="other\x1b"),
    }.items():
        RunFile(tmp_path / name).begin(setting.to_json())
        told[name] = made_by(tmp_path / name)
    assert told["a"].startswith("mini, ab, setting ")
    assert told["name"].split(", ")[1:] == told["a"].split(", ")[1:]
    assert len({one.split()[-1] for one in told.values()}) == 3
    assert "\x1b" not in told["name"]
    assert made_by(tmp_path / "unknown") == ""
