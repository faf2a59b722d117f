"""What ``--fleet`` cannot do, told before anything is started."""

import importlib.util
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.conftest import Svlm
from tests.evals.benchmarks.miniature import game, write_lines


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("clip.mp4 --mux out.mkv", "--mux and --fleet do not go together. Leave out --fleet to make out.mkv."),
        ("clip.mp4 --burn-in out.mp4", "--burn-in and --fleet do not go together."),
        ("clip.mp4 --report out.html", "--report and --fleet do not go together."),
        ("clip.mp4 --follow", "--follow and --fleet do not go together. Leave one of them out."),
        ("clip.mp4 --live on", "--live on and --fleet do not go together. Leave one of them out."),
        ("clip.mp4 --device cuda:1", "A fleet gives each worker a GPU of its own. Say --device auto, cuda or cpu."),
        ("clip.mp4 -o -", "A fleet writes files, not to standard output. Leave -o - or --fleet out."),
        ("-", "A fleet cannot read standard input. Name files, or leave --fleet out."),
    ],
)
def test_what_does_not_go_with_a_fleet(svlm_inside: Svlm, tmp_path: Path, line: str, told: str) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2, fps="2")
    done = svlm_inside("caption", *line.split(), "--fleet", "local")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"svlm: {told}")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("rtsp://10.0.0.1/a --live on", "--live on and --fleet do not go together. Leave one of them out."),
        ("/dev/video0 --input-format v4l2", "A fleet watches cameras by their addresses, and devices have none."),
        ("rtsp://10.0.0.1/a --output-dir s3://words", "rtsp://10.0.0.1/a is watched live, and stores are for files."),
        ("rtsp://10.0.0.1/a --device cuda:1", "A fleet gives each worker a GPU of its own."),
        ("rtsp://10.0.0.1/a --jobs 2", "--jobs would do nothing: it is for files, and these are cameras."),
    ],
)
def test_what_a_fleet_does_not_do_with_cameras(svlm_inside: Svlm, tmp_path: Path, line: str, told: str) -> None:
    done = svlm_inside("caption", *line.split(), "--fleet", "local")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"svlm: {told}")
    assert [*tmp_path.iterdir()] == []


def test_a_camera_does_not_replace_a_file_of_another_call(svlm_inside: Svlm, tmp_path: Path) -> None:
    (tmp_path / "front.srt").write_text("precious")
    done = svlm_inside("caption", "rtsp://10.0.0.1/a", "-o", "front.srt", "--fleet", "local")
    assert done.returncode == 2
    assert "front.srt exists already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["front.srt"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("s3://bucket/x.mp4", "s3://bucket/x.mp4 is in a store, which only a fleet reads. Add --fleet local."),
        ("ftp://me:secret@host/x.mp4", "ftp://...@host/x.mp4 is in a store, which only a fleet reads."),
        ("clip.mp4 --output-dir s3://bucket/words", "s3://bucket/words is in a store, which only a fleet reads."),
        ("--batch-file list.txt", "s3://bucket/x.mp4 is in a store, which only a fleet reads."),
        ("nonsense://host/x.mp4", "svlm cannot read nonsense addresses."),
        ("clip.mp4 --output-dir https://host/words", "--output-dir cannot be an address."),
        ("clip.mp4 --output-dir https://host/words --fleet local", "--output-dir cannot be an address."),
        (
            "s3://bucket/x.mp4 -o x.srt --fleet local",
            "-o names a file of this machine. With a store, use --output-dir.",
        ),
    ],
)
def test_what_is_in_a_store_needs_a_fleet(svlm_inside: Svlm, tmp_path: Path, line: str, told: str) -> None:
    make_clip(tmp_path / "clip.mp4", frames=2, fps="2")
    (tmp_path / "list.txt").write_text("s3://bucket/x.mp4\n")
    done = svlm_inside("caption", *line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"svlm: {told}")
    assert done.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "list.txt"}


def test_without_ray_there_is_no_fleet(svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else find(name, *more))
    make_clip(tmp_path / "clip.mp4", frames=2, fps="2")
    done = svlm_inside("caption", "clip.mp4", "--fleet", "local")
    assert (done.returncode, done.stderr) == (2, "svlm: --fleet needs Ray. Install svlm-cli[fleet].\n")


def test_a_lone_video_that_is_not_there_is_told_at_once(svlm_inside: Svlm, tmp_path: Path) -> None:
    done = svlm_inside("caption", "gone.mp4", "--fleet", "local")
    assert done.returncode == 3
    assert "gone.mp4" in done.stderr
    assert [*tmp_path.iterdir()] == []


GENERATE = "eval commentary generate --annotations all.jsonl --videos v -o pred.jsonl --fleet local"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("--device cuda:1", "A fleet gives each worker a GPU of its own. Say --device auto, cuda or cpu."),
        ("--backend openai", "--fleet does nothing with --backend openai. Leave it out."),
    ],
)
def test_what_does_not_go_with_generating_in_a_fleet(svlm_inside: Svlm, tmp_path: Path, more: str, told: str) -> None:
    (tmp_path / "v").mkdir()
    make_clip(tmp_path / "v/clip.mp4", frames=2, fps="2")
    write_lines(tmp_path / "all.jsonl", [game("F/clip.mp4", [(0.5, 2000, "so")])])
    done = svlm_inside(*GENERATE.split(), *more.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"svlm: {told}\n")
    assert not (tmp_path / "pred.jsonl").exists()


def test_without_ray_nobody_generates_in_a_fleet(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else find(name, *more))
    (tmp_path / "v").mkdir()
    write_lines(tmp_path / "all.jsonl", [game("F/clip.mp4", [(0.5, 2000, "so")])])
    done = svlm_inside(*GENERATE.split())
    assert (done.returncode, done.stderr) == (2, "svlm: --fleet needs Ray. Install svlm-cli[fleet].\n")
