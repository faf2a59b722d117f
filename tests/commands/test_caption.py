"""`svlm caption` as a user runs it: real clips, a tiny random checkpoint, a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clips import cut, make_clip, run_ffmpeg
from tests.commands.conftest import SECONDS
from tests.conftest import Svlm, environment
from tests.subtitle_checker import check_srt, check_vtt
from tests.tiny import make_tiny_checkpoint


def rounds(path_or_text: Path | str) -> list[dict[str, Any]]:
    text = path_or_text if isinstance(path_or_text, str) else path_or_text.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def assert_one_sentence(done: subprocess.CompletedProcess[str], *needles: str) -> None:
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for needle in needles:
        assert needle in done.stderr


def test_a_video_gets_subtitles_beside_it(svlm: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    done = svlm("caption", "clip.mp4", "--model", tiny_checkpoint, "-f", "srt,vtt,jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    srt = here.with_suffix(".srt")
    assert check_srt(srt.read_text(encoding="utf-8")) == []
    assert check_vtt(here.with_suffix(".vtt").read_text(encoding="utf-8")) == []
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", srt, "-map", "0:s", "-c", "copy", "-f", "null", "-"], check=True, timeout=60
    )
    said = rounds(here.with_suffix(".jsonl"))
    assert [(one["start"], one["end"]) for one in said] == [(i, i + 1) for i in range(SECONDS)]
    assert {"start", "end", "text", "tokens", "work_s"} <= said[0].keys()
    assert not list(here.parent.glob("*.part"))


def test_stdout_is_data_and_stderr_is_progress(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "-o", "-")
    assert done.returncode == 0, done.stderr
    assert check_srt(done.stdout) == []
    assert "[0:00:01]" in done.stderr
    assert "clip.mp4 -> stdout: 4.0 s of video" in done.stderr
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr) is None, "no control characters"


def test_quiet_says_nothing(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_bar_on_request(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "--progress", "bar")
    assert done.returncode == 0
    assert "[0:00:01]" in done.stderr


def test_stdin_becomes_stdout(svlm: Svlm, clip: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    run_ffmpeg("-i", clip, "-c", "copy", tmp_path / "clip.ts")
    done = svlm("caption", "-", "--model", tiny_checkpoint, "-f", "jsonl", stdin=(tmp_path / "clip.ts").read_bytes())
    assert done.returncode == 0, done.stderr
    assert len(rounds(done.stdout)) == SECONDS


def test_times_are_those_of_the_file(svlm_inside: Svlm, clip: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards the subtitle's clock: it is the player's, which counts from 0 also where the container's begins at 10."""
    run_ffmpeg("-i", clip, "-c", "copy", "-output_ts_offset", "10", "-muxdelay", "0", tmp_path / "late.ts")
    done = svlm_inside("caption", "late.ts", "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "--start", "0:01.5")
    assert done.returncode == 0, done.stderr
    said = rounds(done.stdout)
    assert said[0]["start"] == pytest.approx(1.5, abs=0.01)
    assert said[0]["container_s"] == pytest.approx(11.5, abs=0.1)
    assert said[-1]["end"] == pytest.approx(4, abs=0.1)
    assert "2.5 s of video" in done.stderr


def test_start_and_end(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    done = svlm_inside(
        *("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-"), *("--start", "1", "--end", "2.5")
    )
    assert [(one["start"], one["end"]) for one in rounds(done.stdout)] == [(1, 2), (2, 2.5)]


def test_the_seed_decides_the_words(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    said = []
    for seed in ("3", "3", "4"):
        done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "--seed", seed)
        said.append([one["text"] for one in rounds(done.stdout)])
    assert said[0] == said[1]
    assert said[0] != said[2]


def test_what_the_user_says_reaches_the_model(
    svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    """Each option changes the words; a context from a file equals the same context as text."""
    (tmp_path / "teams.txt").write_text("Reds against blues", encoding="utf-8")
    base = ("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "--temperature", "0")
    said = {}
    for options in (
        (),
        ("--context", "Reds against blues"),
        ("--context", "@teams.txt"),
        ("--query", "Say what happens"),
        ("--keep-query",),
        ("--fps", "4"),
        ("--mode", "native-positions"),
    ):
        done = svlm_inside(*base, *options)
        assert done.returncode == 0, done.stderr
        said[options] = [one["text"] for one in rounds(done.stdout)]
    assert said[("--context", "Reds against blues")] == said[("--context", "@teams.txt")]
    for options in (("--context", "@teams.txt"), ("--query", "Say what happens"), ("--keep-query",), ("--fps", "4")):
        assert said[options] != said[()], options
    assert said[("--mode", "native-positions")] == said[()], "nothing was evicted yet"


def test_a_context_is_read_once(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    """Guards ``--context @<(...)``: a pipe has no second reading."""
    pipe, end = os.pipe()
    os.write(end, b"Reds against blues")
    os.close(end)
    base = ("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "--temperature", "0")
    piped = svlm_inside(*base, "--context", f"@/dev/fd/{pipe}")
    os.close(pipe)
    assert piped.returncode == 0, piped.stderr
    typed = svlm_inside(*base, "--context", "Reds against blues")
    assert [one["text"] for one in rounds(piped.stdout)] == [one["text"] for one in rounds(typed.stdout)]


def test_several_videos_share_a_model_and_one_that_fails_stops_no_other(
    svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    shutil.copy(here, tmp_path / "other.mp4")
    done = svlm_inside("caption", "text.mp4", "gone.mp4", "clip.mp4", "other.mp4", "--model", tiny_checkpoint)
    assert done.returncode == 1
    assert "text.mp4" in done.stderr
    assert "gone.mp4" in done.stderr
    assert (tmp_path / "clip.srt").read_text() == (tmp_path / "other.srt").read_text()
    assert not (tmp_path / "text.srt").exists()


def test_an_output_folder_mirrors_the_inputs(
    svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(here, tmp_path / folder / "clip.mp4")
    done = svlm_inside(
        *("caption", "a/clip.mp4", "b/clip.mp4", "--model", tiny_checkpoint, "-f", "srt,jsonl"),
        *("--output-dir", "out/captions"),
    )
    assert done.returncode == 0, done.stderr
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == [f"captions/{folder}/clip.{suffix}" for folder in "ab" for suffix in ("jsonl", "srt")]
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"clip.mp4"}


def test_nothing_is_overwritten_unasked(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    here.with_suffix(".srt").write_text("mine")
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint)
    assert done.returncode == 2
    assert_one_sentence(done, "clip.srt", "--overwrite")
    assert here.with_suffix(".srt").read_text() == "mine"
    assert svlm_inside("caption", here.name, "--model", tiny_checkpoint, "--overwrite").returncode == 0
    assert check_srt(here.with_suffix(".srt").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("options", "code", "needle"),
    [
        (("gone.mp4",), 3, "gone.mp4"),
        (("clip.mp4", "--fps", "0.3"), 2, "fps"),
        (("clip.mp4", "--fps", "-1"), 2, "fps"),
        (("clip.mp4", "-f", "doc"), 2, "doc"),
        (("clip.mp4", "--start", "later"), 2, "later"),
        (("clip.mp4", "--start", "3", "--end", "2"), 2, "start"),
        (("clip.mp4", "--start", "90"), 3, "90 s"),
        (("clip.mp4", "--context", "@gone.txt"), 2, "gone.txt"),
        (("clip.mp4", "--query", "goal " * 400), 2, "query"),
        (("clip.mp4", "--temperature", "-1"), 2, "temperature"),
        (("clip.mp4", "--device", "toaster"), 2, "toaster"),
        (("clip.mp4", "-o", "no/such/folder/a.srt"), 1, "no/such/folder"),
    ],
)
def test_bad_requests_are_one_sentence(
    svlm_inside: Svlm, here: Path, tiny_checkpoint: Path, options: tuple[str, ...], code: int, needle: str
) -> None:
    done = svlm_inside("caption", *options, "--model", tiny_checkpoint, "--progress", "none")
    assert done.returncode == code, done.stderr
    assert_one_sentence(done, needle)
    assert here.exists()


@pytest.mark.parametrize("damage", ["missing shard", "truncated", "architecture", "tokenizer"])
def test_a_broken_checkpoint_is_exit_code_4(svlm_inside: Svlm, here: Path, tmp_path: Path, damage: str) -> None:
    folder = make_tiny_checkpoint(tmp_path / "broken", shards=2)
    shard = max(folder.glob("*.safetensors"))
    if damage == "missing shard":
        shard.unlink()
    elif damage == "truncated":
        shard.write_bytes(shard.read_bytes()[:-100])
    elif damage == "architecture":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    else:
        path = folder / "tokenizer.json"
        path.write_text(path.read_text().replace("<|vision_start|>", "<|something|>"))
    done = svlm_inside("caption", here.name, "--model", folder)
    assert done.returncode == 4
    assert_one_sentence(done, "vision_start" if damage == "tokenizer" else "")
    assert not here.with_suffix(".srt").exists()


def test_a_full_stream_keeps_its_words(svlm_inside: Svlm, here: Path, tmp_path: Path) -> None:
    folder = make_tiny_checkpoint(tmp_path / "small")
    (folder / "policy.toml").write_text('mode = "full"\n[windows]\nfull_tokens = 420\n')
    done = svlm_inside("caption", here.name, "--model", folder, "-f", "jsonl", "--progress", "none")
    assert done.returncode == 1
    assert_one_sentence(done, "room for 420", "--mode streaming")
    assert 0 < len(rounds(here.with_suffix(".jsonl"))) < SECONDS


def test_a_truncated_video_is_captioned_as_far_as_it_goes(
    svlm_inside: Svlm, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    whole = make_clip(tmp_path / "whole.mp4", frames=240, options=("-g", "30", "-movflags", "+faststart"))
    cut(whole, tmp_path / "cut.mp4", 0.6)
    done = svlm_inside("caption", "cut.mp4", "--model", tiny_checkpoint, "-f", "jsonl")
    assert done.returncode == 3
    assert "cut off" in done.stderr
    assert "cut.jsonl" in done.stderr
    assert 2 <= len(rounds(tmp_path / "cut.jsonl")) < 8


def test_decord_sees_the_same(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    texts = []
    for decoder in ("ffmpeg", "decord"):
        done = svlm_inside(
            *("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "--temperature", "0"),
            *("--decoder", decoder),
        )
        assert done.returncode == 0, done.stderr
        texts.append([(one["start"], one["end"]) for one in rounds(done.stdout)])
    assert texts[0] == texts[1]


class Endless:
    """A run of svlm on a stream that never ends: a clip in a loop, at its own pace."""

    def __init__(self, folder: Path, clip: Path, checkpoint: Path, *arguments: str) -> None:
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-stream_loop",
            "-1",
            "-re",
            "-i",
            str(clip),
            "-c",
            "copy",
            "-f",
            "mpegts",
            "-",
        ]
        self.source = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.svlm = subprocess.Popen(
            [sys.executable, "-m", "svlm_cli", "caption", "-", "--model", checkpoint, "-f", "jsonl", *arguments],
            cwd=folder,
            env=environment(),
            stdin=self.source.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.source.stdout is not None
        self.source.stdout.close()

    def wait_for(self, path: Path, lines: int, timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while not path.exists() or path.read_text(encoding="utf-8").count("\n") < lines:
            assert time.monotonic() < until, f"{path} has too few lines"
            assert self.svlm.poll() is None, self.svlm.communicate()
            time.sleep(0.05)

    def close(self) -> None:
        self.source.kill()
        self.source.wait()
        self.svlm.kill()
        self.svlm.communicate()


@pytest.fixture
def endless(tmp_path: Path, clip: Path, tiny_checkpoint: Path) -> Iterator[Endless]:
    stream = Endless(tmp_path, clip, tiny_checkpoint, "-o", "out.jsonl")
    yield stream
    stream.close()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_it_finishes_its_files(endless: Endless, tmp_path: Path, number: int, code: int) -> None:
    endless.wait_for(tmp_path / "out.jsonl.part", 3)
    decoders = children_of(endless.svlm.pid)
    assert decoders
    endless.svlm.send_signal(number)
    _, errors = endless.svlm.communicate(timeout=60)
    assert endless.svlm.returncode == code, errors
    assert "Traceback" not in errors
    assert len(rounds(tmp_path / "out.jsonl")) >= 3
    assert not (tmp_path / "out.jsonl.part").exists()
    assert not [pid for pid in decoders if Path(f"/proc/{pid}").exists()], "ffmpeg is gone too"


def test_killed_it_leaves_a_valid_file(endless: Endless, tmp_path: Path) -> None:
    endless.wait_for(tmp_path / "out.jsonl.part", 3)
    endless.svlm.kill()
    endless.svlm.wait()
    assert len(rounds(tmp_path / "out.jsonl.part")) >= 3
    assert not (tmp_path / "out.jsonl").exists()


def test_a_reader_that_leaves_ends_it_quietly(here: Path, tiny_checkpoint: Path) -> None:
    """Guards `svlm caption ... -o - | head -1`."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "svlm_cli", "caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl", "-o", "-"],
        cwd=here.parent,
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "svlm:" not in errors
    assert "Traceback" not in errors
