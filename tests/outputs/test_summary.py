"""How many videos went, as a table: short where all went well, and nothing in it moves a terminal."""

import json
import re

import pytest

from svlm_cli.core.errors import InputError, ModelError
from svlm_cli.outputs.summary import Summary, VideoState


def test_of_many_only_what_did_not_go_well_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the one failure of a night against a thousand lines of success."""
    sources = [f"{index}.mp4" for index in range(100)]
    summary = Summary(sources, skipped=sources[:10])
    for source in sources[10:98]:
        summary.begin(source)
        summary.end(source, VideoState.FAILED if source == "50.mp4" else VideoState.DONE, 60.0)
    summary.begin("98.mp4")
    summary.print()
    told = capsys.readouterr()
    assert told.out == ""
    rows = [line.split()[0] for line in told.err.splitlines() if ".mp4" in line]
    assert rows == ["50.mp4", "98.mp4", "99.mp4"]
    assert "100 videos: 87 captioned, 10 there already, 1 failed, 1 stopped, 1 not begun." in told.err
    assert re.search(r"1:28:00 of video in 0:00:0\d\.\d\.$", told.err)


def test_names_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(["a\x1b[31m\n[bold]b.mp4", "x" * 200])
    summary.print()
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "a [bold]b.mp4" in told
    assert told.count("x") >= 200, "a long name is folded, not cut"


def test_the_table_says_where_the_words_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards whoever looks for the words of one of two videos that are called alike."""
    outputs = {"a.mp4": ["out/a.mp4.srt", "out/a.mp4.json"], "a.ts": ["out/a.ts.srt"], "b.ts": ["b.srt"]}
    summary = Summary(outputs, outputs=outputs)
    summary.end("a.mp4", VideoState.DONE, 1.0)
    summary.end("a.ts", VideoState.DONE, 1.0)
    summary.end("b.ts", VideoState.FAILED, error=InputError("b.ts is empty."))
    summary.print()
    told = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert ["a.mp4", "captioned", "0:00:01", "out/a.mp4.{srt,json}"] in told
    assert ["a.ts", "captioned", "0:00:01", "out/a.ts.srt"] in told
    assert ["b.ts", "failed"] in told, "nothing was written"


def test_short_times_have_tenths(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against `took 0:00:00`."""
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    summary = Summary(["a.mp4", "b.mp4"])
    summary.begin("a.mp4")
    now[0] += 0.34
    summary.end("a.mp4", VideoState.DONE, 4.0)
    summary.print()
    told = capsys.readouterr().err
    assert "0:00:00.3" in told
    assert told.endswith("0:00:04 of video in 0:00:00.3.\n")


def test_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards programs: every video is there with one of a few words, whatever ended the call."""
    strange = "caf\udce9\x1b[31m.mp4"
    summary = Summary([strange, "b.mp4", "c.mp4", "d.mp4"], outputs={strange: ["x.srt"], "b.mp4": ["b.srt"]})
    summary.end(strange, VideoState.DONE, 4.0)
    summary.end("b.mp4", VideoState.FAILED, 2.0, error=InputError("b.mp4 ends too early.", "Copy it."), complete=True)
    summary.begin("c.mp4")
    with pytest.raises(ModelError), summary.written(print):
        raise ModelError("It is broken.")
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    told = json.loads(out)
    assert [video["state"] for video in told["videos"]] == ["done", "failed", "stopped", "waiting"]
    assert told["videos"][0]["source"] == strange, "exactly, or no program finds it again"
    assert [video["outputs"] for video in told["videos"]] == [["x.srt"], ["b.srt"], [], []]
    assert told["videos"][1]["error"] == "b.mp4 ends too early. Copy it."
    assert told["videos"][2]["took_s"] >= 0
    assert told["total"]["states"]["failed"] == 1
    assert told["total"]["video_s"] == 6.0
    assert told["error"] == "It is broken."
    with summary.written(None):
        pass
    assert capsys.readouterr().out == ""
