"""Options of `svlm caption` that would do nothing are refused where they were typed, and nowhere else."""

from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from svlm_cli.commands.idle_options import _TABLE

IDLE = [
    ("clip.mp4 --language deu", "--language would do nothing: it is for the track that --mux adds. Leave it out."),
    ("clip.mp4 --language deu --burn-in b.mp4", "--language would"),
    ("clip.mp4 -f json --max-line-width 30", "--max-line-width would"),
    ("clip.mp4 -f json,jsonl --max-lines 1", "--max-lines would"),
    ("clip.mp4 -o x.jsonl --max-cps 9", "--max-cps would"),
    ("clip.mp4 -f vtt --encoding latin-1", "--encoding would do nothing: it is for srt, ass, tsv and txt."),
    ("clip.mp4 -f json --crlf", "--crlf would"),
    ("clip.mp4 --raw-tsv", "--raw-tsv would do nothing: it is for -f tsv."),
    ("clip.mp4 -o - --overwrite", "--overwrite would"),
    ("- --skip-existing", "--skip-existing would"),
    (
        "clip.mp4 --name front",
        "--name would do nothing: it is for cameras and other live sources, and these are files.",
    ),
    ("clip.mp4 --segment 1h", "--segment would"),
    ("clip.mp4 --wait", "--wait would"),
    ("clip.mp4 --every 2s", "--every would"),
    ("clip.mp4 --max-reconnects 3", "--max-reconnects would"),
    ("clip.mp4 --on-gap keep", "--on-gap would"),
    ("clip.mp4 --when-behind drop", "--when-behind would"),
    ("clip.mp4 --rtsp-transport tcp", "--rtsp-transport would"),
    ("clip.mp4 --credentials netrc", "--credentials would"),
    ("clip.mp4 --stall-timeout 9", "--stall-timeout would"),
    ("rtsp://h/a --jobs 2", "--jobs would do nothing: it is for files, and these are cameras."),
    ("rtsp://h/a --fail-fast", "--fail-fast would"),
    ("rtsp://h/a --ignore-errors", "--ignore-errors would"),
    ("rtsp://h/a --summary none", "--summary would"),
    ("rtsp://h/a --skip-existing", "--skip-existing would"),
    ("rtsp://h/a --report r.html", "--report would"),
    ("rtsp://h/a --decoder decord", "--decoder would"),
    ("rtsp://h/a --follow", "--follow would"),
    ("rtsp://h/a --overwrite", "--overwrite would do nothing: it is for names that are there"),
    ("rtsp://h/a --start 5", "--start would do nothing: it is for files, and these are live."),
    ("srt://h:9 --end 5", "--end would"),
    ("x --input-format v4l2 --end 5", "--end would"),
    ("rtsp://h/a --every 2s", "--every would do nothing: it is for the address of a picture"),
    ("http://h/a --rtsp-transport udp", "--rtsp-transport would do nothing: it is for rtsp addresses."),
    ("x --input-format v4l2 --credentials netrc", "--credentials would do nothing: it is for addresses"),
]
BUSY = [
    "clip.mp4 --language deu --mux m.mkv",
    "clip.mp4 -f json --max-lines 1 --burn-in b.mp4",
    "clip.mp4 -f json,txt --max-cps 9 --encoding latin-1 --crlf",
    "clip.mp4 -f vtt --crlf",
    "clip.mp4 -f json,tsv --raw-tsv",
    "clip.mp4 -o - --overwrite --report r.html",
    "clip.mp4 --follow --stall-timeout 9",
    "clip.mp4 --jobs 4 --fail-fast --ignore-errors --summary none --decoder ffmpeg",
    "rtsp://h/a --rtsp-transport udp --credentials netrc --wait --on-gap reset --segment 1h --name a",
    "rtsp://h/a --overwrite -o a.srt",
    "http://h/a.mp4 --start 5 --end 9",
    "http://h/a --every 2s --when-behind catch-up --max-reconnects 3 --stall-timeout 9",
]


@pytest.fixture
def here(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(here.parent)
    (here.parent / "netrc").write_text("machine h login u password p\n")
    (here.parent / "netrc").chmod(0o600)
    return here


@pytest.mark.parametrize(("line", "told"), IDLE, ids=[line for line, _ in IDLE])
def test_what_would_do_nothing_is_refused(here: Path, capsys: pytest.CaptureFixture[str], line: str, told: str) -> None:
    """Guards whoever thinks that an option did something, before a model is loaded."""
    assert main(["caption", *line.split(), "--model", "no-such-model"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"svlm: {told}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("line", BUSY)
def test_what_does_something_is_not(here: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Guards good calls, which get as far as their model."""
    assert main(["caption", *line.split(), "--model", "no-such-model"]) == 4, capsys.readouterr().err


def test_each_of_them_is_tried() -> None:
    """Guards new lines of the table against being wrong unseen."""
    tried = {told.split()[0] for _, told in IDLE}
    assert {option for options, _, _ in _TABLE for option in options.split()} == tried


def test_a_default_is_never_refused(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the calls that a setting is not for: it stands in a file for those that it is for."""
    settings = """[caption]
language = "deu"
max-lines = 1
encoding = "latin-1"
crlf = true
raw-tsv = true
overwrite = true
segment = "1h"
every = "2s"
wait = true
follow = true
stall-timeout = 9
max-reconnects = 3
on-gap = "reset"
when-behind = "catch-up"
rtsp-transport = "udp"
jobs = 2
fail-fast = true
ignore-errors = true
summary = "none"
decoder = "decord"
"""
    (here.parent / "config.toml").write_text(settings)
    monkeypatch.setenv("SVLM_CONFIG", str(here.parent / "config.toml"))
    monkeypatch.setenv("SVLM_CREDENTIALS", str(here.parent / "netrc"))
    for line in ("clip.mp4 -f json", "clip.mp4 -o -", "rtsp://h/a -f json", "http://h/a"):
        assert main(["caption", *line.split(), "--model", "no-such-model"]) == 4, capsys.readouterr().err
