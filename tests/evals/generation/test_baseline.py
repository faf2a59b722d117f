"""A model that is shown pictures of clips: what it is asked, what of its answers is commentary, what is kept."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from svlm_cli.chat.asking import Patience
from svlm_cli.chat.prompts import read_prompts
from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.chat.server import AskAgainError
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.evals.generation.baseline import (
    BaselineAsker,
    BaselineForm,
    BaselinePrompts,
    BaselineSpent,
    ClipComment,
    ClipOutcome,
    PicturedClip,
    baseline_asker,
    comment_on,
    comments,
)
from svlm_cli.evals.generation.pictures import Sampling
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.evals.prompt_files import prompts_file
from tests.clips import make_clip
from tests.servers.commentator import reporting, wording

PROMPTS = read_prompts(BaselinePrompts, prompts_file("baseline"))[0]
SAMPLING = Sampling()


class DirectModel:
    """Answers in this process."""

    def __init__(self, answer: Callable[[Sequence[Message]], ChatReply]) -> None:
        self.answer = answer
        self.asked: list[Sequence[Message]] = []

    def ask(self, messages: Sequence[Message], *, seed: int | None, temperature: float | None) -> ChatReply:
        assert (seed, temperature) == (None, 0.7)
        self.asked.append(messages)
        return self.answer(messages)


def asker(model: DirectModel, folder: Path, name: str = "model-1") -> BaselineAsker:
    patience = Patience(tries=2, first_wait_s=0.001, longest_wait_s=0.002)
    form = BaselineForm("http://127.0.0.1:1/v1", name, PROMPTS)
    return baseline_asker(model, form, ReplyCache(folder / "cache"), temperature=0.7, patience=patience)


def report(messages: Sequence[Message]) -> ChatReply:
    return ChatReply(reporting(messages), 100, 1)


def fail(messages: Sequence[Message]) -> ChatReply:
    raise AskAgainError("its answer is cut off", tokens=(100, 9))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes in which picture k is on screen from second k on."""
    return make_clip(tmp_path_factory.mktemp("clock") / "clock.mp4", frames=120, fps="1")


def stretches(video: Path, count: int = 1) -> list[VideoStretch]:
    return [
        VideoStretch("v0.mp4", video, 20.0 * one, 20.0 * (one + 1), "Welcome.", "Reds v. blues") for one in range(count)
    ]


def test_a_clip_as_it_is_asked(video: Path, tmp_path: Path) -> None:
    """Guards the request: our words with the clip's facts, then its pictures, in order."""
    model = DirectModel(report)
    (_, one) = stretches(video, 2)
    found = comment_on(one, asker(model, tmp_path), SAMPLING)
    assert (found.outcome, found.said) == (ClipOutcome.SPOKEN, "From 20 to 36, 5 pictures.")
    ((system, user),) = model.asked
    assert "present tense" in system["content"]
    assert [part["type"] for part in user["content"]] == ["text", *["image_url"] * 5]
    said = wording(model.asked[0])
    assert all(fact in said for fact in ("5 pictures", "20 seconds", "every 4 seconds"))
    assert not any(fact in said for fact in ("Reds v. blues", "Welcome.")), "the published baseline is not told"
    assert "{" not in said


def test_the_same_clip_is_paid_for_once(video: Path, tmp_path: Path) -> None:
    """Guards the bill, and against an answer to other pictures, other words or another model."""
    model = DirectModel(report)
    (one, other) = stretches(video, 2)
    first, again = (comment_on(one, asker(model, tmp_path), SAMPLING) for _ in range(2))
    assert (first.cached, again.cached, again.said) == (False, True, first.said)
    assert len(model.asked) == 1
    assert not comment_on(other, asker(model, tmp_path), SAMPLING).cached
    assert not comment_on(one, asker(model, tmp_path, "model-2"), SAMPLING).cached
    form = BaselineForm("http://127.0.0.1:1/v1", "model-1", PROMPTS)
    keys = {form.asked(PicturedClip(one, pictures), 0.7).key for pictures in ((b"a",), (b"b",), (b"a", b"b"))}
    assert len(keys) == 3
    written = [json.loads(path.read_text()) for path in (tmp_path / "cache").rglob("*.json")]
    assert all(row.keys() == {"text", "tokens_in", "tokens_out", "refused"} for row in written), "no pictures"


@pytest.mark.parametrize(
    ("reply", "outcome", "why"),
    [
        (ChatReply("", 100, 1), ClipOutcome.EMPTY, "empty"),
        (ChatReply(" ... \u200b\n", 100, 1), ClipOutcome.EMPTY, "empty"),
        (ChatReply("A shot", 100, 1, refused=True), ClipOutcome.REFUSED, "refuses"),
    ],
)
def test_what_is_no_commentary(video: Path, tmp_path: Path, reply: ChatReply, outcome: ClipOutcome, why: str) -> None:
    """Guards the predictions, and the next call, which asks anew."""
    (one,) = stretches(video)
    found = comment_on(one, asker(DirectModel(lambda messages: reply), tmp_path), SAMPLING)
    assert found.outcome is outcome
    assert why in found.said
    again = comment_on(one, asker(DirectModel(report), tmp_path), SAMPLING)
    assert (again.outcome, again.cached) == (ClipOutcome.SPOKEN, False)


def test_an_answer_becomes_one_plain_line(video: Path, tmp_path: Path) -> None:
    """Guards files and terminals against what a server may send."""
    sent = "\x1b]0;mine\x07And  \x1b[31mthere\n\nit\u2028is\t\u202e!\x85 "
    (one,) = stretches(video)
    found = comment_on(one, asker(DirectModel(lambda messages: ChatReply(sent)), tmp_path), SAMPLING)
    assert found.said == "And there it is !"


def test_a_video_that_cannot_be_read_costs_nothing(video: Path, tmp_path: Path) -> None:
    model = DirectModel(report)
    gone = VideoStretch("v1.mp4", tmp_path / "gone.mp4", 0, 20, "")
    found = [*comments([gone, *stretches(video, 2)], asker(model, tmp_path), SAMPLING, jobs=2)]
    assert sorted(one.outcome for one in found) == [ClipOutcome.SPOKEN, ClipOutcome.SPOKEN, ClipOutcome.UNREADABLE]
    assert "gone.mp4 does not exist" in next(one.said for one in found if one.outcome is ClipOutcome.UNREADABLE)
    assert len(model.asked) == 2


def test_what_is_spent_is_told_with_what_was_in_vain(video: Path, tmp_path: Path) -> None:
    """Guards the cost: answers that were cut off are on the bill, those from disk are not."""
    one_asker = asker(DirectModel(fail), tmp_path)
    spent = BaselineSpent()
    (one,) = comments(stretches(video), one_asker, SAMPLING, jobs=1)
    assert (one.outcome, one.said) == (ClipOutcome.UNANSWERED, "its answer is cut off")
    spent.note(one)
    for found in comments(stretches(video, 3), asker(DirectModel(report), tmp_path), SAMPLING, jobs=2):
        spent.note(found)
    for found in comments(stretches(video, 3), asker(DirectModel(report), tmp_path), SAMPLING, jobs=2):
        spent.note(found)
    spent.note_lost(one_asker)
    assert (spent.tokens_in, spent.tokens_out) == (200 + 300, 18 + 3)
    assert (spent.outcomes[ClipOutcome.SPOKEN], spent.cached, spent.failed) == (6, 3, 1)


def test_a_server_that_is_gone_ends_it(video: Path, tmp_path: Path) -> None:
    """Guards against hours of waiting for nobody."""
    several = [VideoStretch("v0.mp4", video, 4.0 * one, 4.0 * (one + 1), "") for one in range(25)]
    said = r"The model's server has not answered 10 questions in a row: its answer is cut off"
    found: list[ClipComment] = []
    with pytest.raises(ModelError, match=said):
        found.extend(comments(several, asker(DirectModel(fail), tmp_path), SAMPLING, jobs=2))
    assert [one.outcome for one in found] == [ClipOutcome.UNANSWERED] * 10


def test_own_words(tmp_path: Path) -> None:
    """Guards --prompts: what the annotations say can be told, and nothing else."""
    (tmp_path / "own.toml").write_text("question = '{title}: {context}'")
    own = read_prompts(BaselinePrompts, tmp_path / "own.toml")[0]
    clips = [VideoStretch("v0.mp4", tmp_path, 0, 20, *facts) for facts in (("Welcome.", "Reds v. blues"), ("", ""))]
    asked = [BaselineForm("http://x/v1", "m", own).asked(PicturedClip(one, (b"",)), 0.7).messages for one in clips]
    assert [wording(one) for one in asked] == ["Reds v. blues: Welcome.", "not known: not known"]
    (tmp_path / "own.toml").write_text("question = 'Speak of {title} and {first}'")
    with pytest.raises(UsageError, match=r"\{first\} is not a known placeholder"):
        read_prompts(BaselinePrompts, tmp_path / "own.toml")
