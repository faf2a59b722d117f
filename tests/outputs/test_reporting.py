"""Progress of what is only counted: nothing for who wants quiet, and lines where there is no terminal."""

import pytest

from svlm_cli.outputs.reporting import bar, counting


@pytest.mark.parametrize("quiet", [False, True])
def test_a_bar_is_drawn_unless_nobody_wants_it(
    quiet: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards `--quiet` on a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bar("rounds", 2, quiet=quiet) as (show, _):
        show(1)
    told = capsys.readouterr()
    assert (told.out, "rounds" in told.err, told.err == "") == ("", not quiet, quiet)


def test_without_a_terminal_every_tenth_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards logs against a line for each of thousands, and against none for hours."""
    with counting("videos", 30, quiet=False) as advance:
        for done in range(1, 31):
            advance(done, "0:00:07" if done == 30 else "")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 10
    assert told[0] == "svlm: 3 of 30 videos"
    assert told[-1] == "svlm: 30 of 30 videos, 0:00:07"
    with counting("videos", 30, quiet=True) as advance:
        advance(30)
    assert capsys.readouterr().err == ""
