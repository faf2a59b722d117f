"""What is told of cameras meanwhile: every change, and nothing a thousand times."""

import pytest

from svlm_cli.core.events import RoundEnded, SourceStatus, State
from svlm_cli.pipeline import status_lines
from svlm_cli.pipeline.status_lines import StatusLines


def waiting(reason: str) -> SourceStatus:
    return SourceStatus("front", State.WAITING, reason=reason, retry_s=1.0)


def test_the_same_trouble_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that is away for a day must not fill the journal, one line every five seconds."""
    said: list[str] = []
    lines = StatusLines(said.append)
    for _ in range(50):
        lines.note(SourceStatus("front", State.CONNECTING))
        lines.note(waiting("refuses the connection."))
    lines.note(waiting("is not there."))
    lines.note(SourceStatus("front", State.LIVE, connections=2, first_frame_s=0.5))
    lines.note(waiting("refuses the connection."))
    assert [line.partition("front")[2] for line in said] == [
        " refuses the connection. Trying again in 1.0 s.",
        " is not there. Trying again in 1.0 s.",
        ": connected again, first picture after 0.5 s",
        " refuses the connection. Trying again in 1.0 s.",
    ]
    monkeypatch.setattr(status_lines, "_REPEAT_S", 0.0)
    lines.note(waiting("refuses the connection."))
    assert len(said) == 5


def test_dropped_frames_are_summed_up() -> None:
    said: list[str] = []
    lines = StatusLines(said.append)
    for dropped in (0, 2, 3, 4):
        lines.hear(RoundEnded("front", 0.0, 1.0, "", 0, 0.1, dropped=dropped, latency_s=1.5))
    assert said == ["svlm: front: the model is too slow, 2 frames were dropped; words come 1.5 s after their frame"]
