"""What was changed: shares for numbers' sake, and a text for people."""

from dataclasses import replace
from pathlib import Path

from svlm_cli.curation.changes import Changes, diff_lines
from svlm_cli.curation.decisions import Action
from svlm_cli.curation.retiming import retimed
from svlm_cli.curation.timing import spread
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord


def video(*texts: str) -> SpokenVideo:
    segments = (
        SpokenSegment(at_s, at_s + 4, tuple(spread(text, at_s, at_s + 4)))
        for at_s, text in zip(range(0, 5 * len(texts), 5), texts, strict=True)
    )
    return SpokenVideo(Path("a.mp4"), 100.0, tuple(segments))


BEFORE = video("What a goal", "by messy of the reds", "our sponsor", "he is gone")
EDITED = retimed(BEFORE.segments[1], ["by", "Messi", "the", "reds"])
AFTER = replace(BEFORE, segments=(BEFORE.segments[0], EDITED, BEFORE.segments[3]))


def test_shares() -> None:
    """Guards the figures that say whether an editor does its work."""
    changes = Changes()
    assert changes.share(Action.KEEP) is None
    assert changes.sentence() == "There is no segment in it."
    changes.note(BEFORE, AFTER)
    assert changes.sentence() == "4 segments: 50% kept, 25% edited, 25% deleted. 13 words before, 10 after."
    assert changes.to_json() == {
        "segments": {"keep": 2, "edit": 1, "delete": 1},
        "shares": {"keep": 0.5, "edit": 0.25, "delete": 0.25},
        "words_before": 13,
        "words_after": 10,
    }


def test_the_diff() -> None:
    """Guards reading: what was kept does not stand there, and what was edited is shown word by word."""
    assert list(diff_lines(BEFORE, AFTER)) == [
        "=== a.mp4 ===",
        "5.0-9.0 edit: by [-messy of-] {+Messi+} the reds",
        "10.0-14.0 delete: [-our sponsor-]",
    ]


def test_no_control_sequences() -> None:
    """Guards the terminal that a diff is shown in."""
    words = (TimedWord(0, 1, "\x1b[31mred"), TimedWord(1, 2, "\x07bell"), TimedWord(2, 3, "\u202eflip"))
    strange = replace(BEFORE, segments=(SpokenSegment(0, 4, words),))
    (_, line) = diff_lines(strange, replace(strange, segments=()))
    assert line == "0.0-4.0 delete: [-red bell flip-]"


def test_times_with_many_digits_are_the_same_segment() -> None:
    """Guards words of other programs, whose segments would all count as deleted: files round to milliseconds."""
    long = SpokenSegment(1.23456789, 4.56789123, tuple(spread("a b", 2.0, 3.0)))
    changes = Changes()
    changes.note(
        replace(BEFORE, segments=(long,)), replace(BEFORE, segments=(replace(long, start_s=1.235, end_s=4.568),))
    )
    assert changes.segments[Action.KEEP] == 1
