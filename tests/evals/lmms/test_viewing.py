"""Who is asked about what: frames and streams that questions share, and what is told of videos that are too short."""

from pathlib import Path

import pytest

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.lmms import viewing
from svlm_cli.evals.lmms.messages import Asked
from svlm_cli.evals.lmms.speaking import Witness, tell_likelihood
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.clips import Stills, open_stills
from svlm_cli.evals.vqa.watching import Watching
from svlm_cli.evals.vqa.ways import WaySetting, with_room
from tests.clips import make_clip
from tests.engine.conftest import Parts, parts, small_policy

__all__ = ["parts"]  # the fixture

TEXT = "Who has the ball?"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("viewed") / "a.mp4", frames=16, fps="2", size=(56, 42))


def see(parts: Parts, way: Way, asked: list[Asked], notices: list[str], jobs: int = 1) -> dict[int, float]:
    """How likely one answer is, by the number of the question."""
    setting = WaySetting.of(way, small_policy(temperature=0.9), frames=4, recent_frames=4, seed=1)
    policy = with_room(setting, [TEXT], parts.tokenizer, parts.model.family)
    room = Questions(1) if way.streams else NO_QUESTIONS
    streams = jobs if way.streams else 1
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, max_streams=streams, questions=room)

    def ask(witness: Witness, number: int) -> float:
        return tell_likelihood(witness, asked[number].text, (3, 5)).log_probability

    return dict(viewing.Viewing(engine, setting, ask, notices.append).see([*enumerate(asked)], jobs))


def test_frames_are_read_once_for_all_questions_about_them(
    parts: Parts, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the time of benchmarks with many questions a video; other stretches are other clips."""
    opened: list[Footage] = []

    def opening(footage: Footage, policy: StreamPolicy) -> Stills:
        opened.append(footage)
        return open_stills(footage, policy)

    monkeypatch.setattr(viewing, "open_stills", opening)
    stretches = [(None, 4.0), (None, 8.0), (None, 4.0), (1.0, 4.0), (None, 4.0)]
    found = see(parts, Way.FULL, [Asked(Footage(video, *one), TEXT) for one in stretches], [], jobs=2)
    assert len(opened) == 3
    assert found[0] == found[2] == found[4]
    assert len({found[0], found[1], found[3]}) == 3


def test_one_stream_is_asked_all_questions_in_passing(
    parts: Parts, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the same for streams: there is one, and each answer is that of a stream for it alone."""
    watched: list[float] = []

    def watching(footage: Footage, last_s: float) -> Watching:
        watched.append(last_s)
        return Watching(footage, last_s)

    monkeypatch.setattr(viewing, "Watching", watching)
    asked = [Asked(Footage(video, None, end_s), TEXT) for end_s in (6.0, 7.0, 3.0, 6.0)]
    together = see(parts, Way.STREAMING, asked, [])
    assert watched == [7.0]
    for number, one in enumerate(asked):
        assert see(parts, Way.STREAMING, [one], []) == {0: together[number]}
    assert len({*together.values()}) == 3


@pytest.mark.parametrize("way", [Way.RECENT, Way.STREAMING])
def test_a_video_that_is_over_too_soon_is_told(parts: Parts, video: Path, way: Way) -> None:
    """Guards against an answer about another moment that nobody hears of. Its end may be a little off."""
    notices: list[str] = []
    see(parts, way, [Asked(Footage(video, None, 8.5), TEXT), Asked(Footage(video, None, None), TEXT)], notices)
    assert notices == []
    see(parts, way, [Asked(Footage(video, None, 60.0), TEXT)], notices)
    assert len(notices) == 1
    assert "a.mp4 is over before all questions about it are asked" in notices[0]
