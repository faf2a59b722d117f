"""Progress on stderr: what is printed, where, and that nothing in it can move a cursor."""

import io
from dataclasses import replace

import pytest

from svlm_cli.core.events import RoundEnded, RoundStarted, SourceStatus, State, TokenSpoken
from svlm_cli.outputs.progress import (
    BarProgress,
    NoProgress,
    PlainProgress,
    ProgressStyle,
    clock,
    open_progress,
    phrase,
)

ENDED = RoundEnded("a.mp4", 3725.0, 3726.0, " goal by\x1b[2J\nthe keeper ", 2, 0.1)
SILENCE = replace(ENDED, text="")


def test_a_phrase_is_one_plain_line_with_its_time() -> None:
    assert phrase(ENDED) == "[1:02:05] goal by the keeper"
    assert phrase(SILENCE) == ""


def test_clocks_go_beyond_a_day() -> None:
    assert clock(0.9) == "0:00:00"
    assert clock(100 * 3600 + 61) == "100:01:01"


def test_plain_progress_prints_a_line_a_phrase() -> None:
    file = io.StringIO()
    progress = PlainProgress(file)
    progress.begin("a.mp4", 10.0)
    progress.hear(ENDED)
    progress.hear(SILENCE)
    for other in (SourceStatus("a.mp4", State.LIVE), RoundStarted("a.mp4", 0.0, 1.0, 2), TokenSpoken("a.mp4", "goal")):
        progress.hear(other)
    assert file.getvalue() == "[1:02:05] goal by the keeper\n"


def test_plain_progress_names_videos_that_run_together() -> None:
    file = io.StringIO()
    progress = PlainProgress(file)
    progress.begin("a.mp4", 10.0)
    progress.begin("b.mp4", None)
    progress.hear(replace(ENDED, name="b.mp4"))
    progress.end("a.mp4")
    progress.hear(replace(ENDED, name="b.mp4"))
    assert file.getvalue().splitlines() == ["b.mp4 [1:02:05] goal by the keeper", "[1:02:05] goal by the keeper"]


def test_a_bar_follows_several_videos() -> None:
    """Brackets in names and words are not markup, and a video without a length does no harm."""
    file = io.StringIO()
    progress = BarProgress(file)
    progress.begin("[red]a.mp4", None)
    progress.begin("b.mp4", 4000.0)
    progress.hear(replace(ENDED, name="[red]a.mp4", text=" [bold]goal[/]"))
    progress.end("[red]a.mp4")
    progress.end("b.mp4")
    progress.close()
    assert "[1:02:05] [bold]goal[/]" in file.getvalue()


def test_no_progress_still_says_what_must_be_said() -> None:
    file = io.StringIO()
    progress = NoProgress(file)
    progress.begin("a.mp4", 1.0)
    progress.hear(ENDED)
    progress.say("a.mp4 is \x1b[1mcut off")
    assert file.getvalue() == "a.mp4 is cut off\n"


@pytest.mark.parametrize(
    ("style", "quiet", "kind"),
    [
        (ProgressStyle.AUTO, False, PlainProgress),
        (ProgressStyle.AUTO, True, NoProgress),
        (ProgressStyle.NONE, False, NoProgress),
        (ProgressStyle.PLAIN, False, PlainProgress),
        (ProgressStyle.BAR, False, BarProgress),
    ],
)
def test_the_style_suits_stderr(style: ProgressStyle, quiet: bool, kind: type[object]) -> None:
    """Stderr is no terminal here."""
    progress = open_progress(style, quiet=quiet)
    assert type(progress) is kind
    progress.close()


def test_what_is_only_counted_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a log against a line for every frame that ffmpeg has done."""
    file = io.StringIO()
    now = iter([0.0, 1.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr("svlm_cli.outputs.progress.time.monotonic", lambda: next(now))
    shown = PlainProgress(file)
    shown.begin("out.mp4", 100.0)
    for done_s in (5.0, 50.0, 55.0, 99.0):
        shown.move("out.mp4", done_s)
    assert file.getvalue() == "out.mp4: 0:00:50\nout.mp4: 0:01:39\n"
