"""`--policy` and `--set`: another policy for one call, wherever a model is streamed; and whose policy that was."""

import json
import shutil
from pathlib import Path

import pytest

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.core.policy import Mode, StreamPolicy
from tests.conftest import Svlm

STREAMING = (
    ("caption", "gone.mp4"),
    ("caption", "rtsp://127.0.0.1:9/x"),
    ("eval", "match"),
    ("bench", "latency"),
    ("bench", "stages"),
    ("bench", "streams"),
)


@pytest.mark.parametrize("command", STREAMING, ids=" ".join)
def test_what_cannot_be_is_told_before_anything_is_loaded(
    command: tuple[str, ...], svlm_inside: Svlm, here: Path
) -> None:
    """Guards against 16 GB that are fetched to find a mistyped key, and against a command that overlooks it."""
    words = [str(here) if word == "gone.mp4" else word for word in command]
    done = svlm_inside(*words, "--model", "nobody/nothing", "--set", "windows.sink_token=8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("svlm: --set: unknown key 'windows.sink_token'. Did you mean 'windows.sink_tokens'?\n")
    done = svlm_inside(*words, "--model", "nobody/nothing", "--policy", "gone.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "svlm: gone.toml cannot be read: No such file or directory. Check its name.\n"


def test_options_lie_over_single_keys(tmp_path: Path) -> None:
    """Guards the order: an option, else --set, else --policy, else the model's own."""
    (tmp_path / "asked.toml").write_text("mode = 'full'\n[vision]\nfps = 4\n[sampling]\ntemperature = 0.5\n")
    changes = policy_changes.read(tmp_path / "asked.toml", ["vision.fps=8", "sampling.top_k=3"])
    changed = CaptionOptions().changed(StreamPolicy(), changes)
    assert (changed.mode, changed.vision.fps, changed.sampling.temperature) == (Mode.FULL, 8.0, 0.5)
    changed = CaptionOptions(mode=Mode.WINDOW, fps=16.0, temperature=0.0).changed(StreamPolicy(), changes)
    assert (changed.mode, changed.vision.fps, changed.sampling.temperature) == (Mode.WINDOW, 16.0, 0.0)
    assert changed.sampling.top_k == 3


def test_captions_follow_it_and_tell_whose_it_was(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    """Guards the whole way to the engine; and who streams a checkpoint without a policy unaware of it."""
    shutil.copytree(tiny_checkpoint, here.parent / "mine")
    (here.parent / "mine" / "policy.toml").unlink()
    asked = ("caption", here, "--model", "mine", "-o", "-", "-f", "jsonl", "--temperature", "0")
    (here.parent / "short.toml").write_text("[sampling]\nmax_new_tokens = 1\n")
    notice = "svlm: mine has no policy.toml: it streams by the policy of streamingvlm-7b, the default."
    plain = svlm_inside(*asked, "--set", "vision.max_pixels=100_000")
    assert plain.returncode == 0, plain.stderr
    assert f"{notice} --policy FILE gives it another, a policy.toml in its folder its own." in plain.stderr.splitlines()
    assert notice not in svlm_inside(*asked, "--set", "vision.max_pixels=100_000", "--quiet").stderr
    short = svlm_inside(*asked, "--set", "vision.max_pixels=100_000", "--policy", "short.toml")
    assert short.returncode == 0, short.stderr
    assert notice not in short.stderr

    def lengths(out: str) -> list[int]:
        return [len(json.loads(line)["text"]) for line in out.splitlines()]

    assert 0 < max(lengths(short.stdout)) < max(lengths(plain.stdout))


def test_a_match_follows_it_and_its_report_says_so(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    """Guards scores of one policy under the name of another; a mode that is named wins, the likeliest word always."""
    asked = ("eval", "match", "--model", tiny_checkpoint, "--minutes", "0.1", "--json", "--set", "mode='full'")
    setting = json.loads(svlm_inside(*asked).stdout)["setting"]
    assert (setting["mode"], setting["policy"]) == ("full", {"mode": "full"})
    setting = json.loads(svlm_inside(*asked, "--mode", "window").stdout)["setting"]
    assert setting["mode"] == "window"
    done = svlm_inside(*asked, "--set", "sampling.temperature=1.0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "svlm: Here a model always says the likeliest word. Leave out sampling.temperature.\n"
    done = svlm_inside("eval", "match", "--predictions", "x.jsonl", "--set", "mode='full'")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing is played" in done.stderr


def test_a_bench_follows_it_and_its_report_says_so(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    """Guards times of one policy under the name of another; how many tokens a round has, --tokens says."""
    asked = ("bench", "latency", "--json", "--model", tiny_checkpoint, "--rounds", "1", "--size", "56x56")
    done = svlm_inside(*asked, "--tokens", "2", "--set", "mode='full'", "--set", "vision.fps=4")
    report = json.loads(done.stdout)
    assert report["results"][0]["mode"] == "full"
    assert report["setting"]["fps"] == 4.0
    assert report["setting"]["policy"] == {"mode": "full", "vision": {"fps": 4}}
    done = svlm_inside(*asked, "--tokens", "2", "--mode", "window", "--set", "mode='full'", "--fps", "6")
    report = json.loads(done.stdout)
    assert (report["results"][0]["mode"], report["setting"]["fps"]) == ("window", 6.0)
    done = svlm_inside(*asked, "--set", "sampling.max_new_tokens=9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "svlm: A bench generates --tokens in every round. Give --tokens, not --set.\n"
