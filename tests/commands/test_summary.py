"""How many videos went, as a table: short where all went well, and nothing in it moves a terminal."""

import pytest

from svlm_cli.commands.summary import State, Summary


def test_of_many_only_what_did_not_go_well_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the one failure of a night against a thousand lines of success."""
    sources = [f"{index}.mp4" for index in range(100)]
    summary = Summary(sources, skipped=sources[:10])
    for source in sources[10:98]:
        summary.begin(source)
        summary.end(source, State.FAILED if source == "50.mp4" else State.DONE, 60.0)
    summary.begin("98.mp4")
    summary.print()
    told = capsys.readouterr()
    assert told.out == ""
    rows = [line.split()[0] for line in told.err.splitlines() if ".mp4" in line]
    assert rows == ["50.mp4", "98.mp4", "99.mp4"]
    assert "100 videos: 87 captioned, 10 there already, 1 failed, 1 stopped, 1 not begun." in told.err
    assert "1:28:00 of video in 0:00:00." in told.err


def test_names_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(["a\x1b[31m\n[bold]b.mp4", "x" * 200])
    summary.print()
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "a [bold]b.mp4" in told
    assert told.count("x") >= 200, "a long name is folded, not cut"
