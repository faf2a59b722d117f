"""``svlm data clean``: an editor on loopback, what is left of words, what is told, and what is never paid twice."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.chat.asking import Patience
from svlm_cli.commands.app import main
from svlm_cli.curation.timing import spread
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, read_words, words_line
from tests.servers.chat import ChatOnLoopback, Trouble, serving
from tests.servers.editor import asked_about, by_rule, of_sports, rows

Captured = pytest.CaptureFixture[str]

TEXTS = ("What a goal", "shot by messy of the reds", "thanks to our sponsor", "he is down")


def spoken(folder: Path, name: str, texts: Sequence[str] = TEXTS, *, apart_s: float = 5.0) -> SpokenVideo:
    segments = tuple(
        SpokenSegment(index * apart_s, index * apart_s + 4, tuple(spread(text, index * apart_s, index * apart_s + 4)))
        for index, text in enumerate(texts)
    )
    return SpokenVideo(folder / name, 600.0, segments, "Reds against Blues", "football", "en", "srt")


@pytest.fixture
def editor() -> Iterator[ChatOnLoopback]:
    """It knows sports."""
    chat = ChatOnLoopback(by_rule(of_sports))
    with serving(chat):
        yield chat


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    short = Patience.wait_s
    monkeypatch.setattr(Patience, "wait_s", lambda *given: short(*given) / 1000)


class Desk:
    """A words file, and calls about it."""

    def __init__(self, folder: Path, editor: ChatOnLoopback, *videos: SpokenVideo) -> None:
        self.folder, self.editor = folder, editor
        self.words, self.output = folder / "words.jsonl", folder / "clean.jsonl"
        self.words.write_text("".join(words_line(one, folder) for one in videos), encoding="utf-8")

    def clean(self, *more: object, code: int = 0) -> None:
        where = ["--server", self.editor.base_url, "--model", "editor-1", "--cache", self.folder / "cache"]
        arguments = ["data", "clean", self.words, "-o", self.output, *where, *more]
        assert main([*map(str, arguments)]) == code

    def cleaned(self) -> dict[str, list[str]]:
        return {one.video.name: [segment.text for segment in one.segments] for one in read_words(self.output)}


LEFT = ["What a goal", "shot by Messi of the reds", "he is down"]


@pytest.mark.extra
def test_words_are_cleaned(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards the whole way: what is asked, what is left and when it is said, the shares, the cost, the diff."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"), spoken(tmp_path, "mute.mp4", ()))
    desk.clean("--json", "--price-in", "5", "--price-out", "10", "--diff", tmp_path / "a.diff")
    assert desk.cleaned() == {"a.mp4": LEFT, "mute.mp4": []}
    before, after = next(read_words(desk.words)), next(read_words(desk.output))
    assert after.segments[1].words[2].start_s == before.segments[1].words[2].start_s
    assert after.source.startswith("srt, cleaned by editor-1, prompts ")
    assert (after.title, after.language, after.duration_s) == (before.title, before.language, before.duration_s)
    (request,) = editor.requests
    question = request["messages"][-1]["content"]
    assert "Title: Reds against Blues\nCategory: football\nLanguage: en\n" in question
    assert asked_about(request["messages"]) == [*TEXTS]
    assert request["response_format"]["json_schema"]["strict"] is True
    assert request["response_format"]["json_schema"]["schema"]["required"] == ["segments"]
    assert request["temperature"] == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "output": str(desk.output),
        "videos": 2,
        "there": 0,
        "done": 2,
        "failed": 0,
        "segments": {"keep": 2, "edit": 1, "delete": 1},
        "shares": {"keep": 0.5, "edit": 0.25, "delete": 0.25},
        "words_before": 16,
        "words_after": 12,
        "passages": 1,
        "unanswered": 0,
        "cached": 0,
        "requests": 1,
        "tokens_in": 100,
        "tokens_out": 1,
        "cost": pytest.approx(0.00051),
    }
    assert "4 segments: 50% kept, 25% edited, 25% deleted. 16 words before, 12 after." in told.err
    assert "100 tokens read, 1 written: 0.0005 in all." in told.err
    assert (tmp_path / "a.diff").read_text(encoding="utf-8").splitlines()[1:] == [
        "5.0-9.0 edit: shot by [-messy-] {+Messi+} of the reds",
        "10.0-14.0 delete: [-thanks to our sponsor-]",
        f"=== {tmp_path / 'mute.mp4'} ===",
    ]


@pytest.mark.extra
def test_long_videos_are_asked_in_passages(tmp_path: Path, editor: ChatOnLoopback) -> None:
    """Guards the order of passages that are answered at once, over more videos than fit one batch."""
    videos = [
        spoken(tmp_path, f"{video}.mp4", [f"goal {video} {index}" for index in range(12)], apart_s=30)
        for video in range(9)
    ]
    desk = Desk(tmp_path, editor, *videos)
    desk.clean("--jobs", "2", "-q")
    assert [*desk.cleaned().items()] == [(one.video.name, [part.text for part in one.segments]) for one in videos]
    assert len(editor.requests) == 27
    for request in editor.requests:
        assert len(asked_about(request["messages"])) in (4, 5)


@pytest.mark.extra
def test_nothing_is_paid_twice(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards money: a call again asks for what is missing alone, and another output is made from disk."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"), spoken(tmp_path, "b.mp4", ["other words"]))
    desk.clean("-q")
    whole = desk.output.read_text(encoding="utf-8")
    assert len(editor.requests) == 2
    desk.output.write_text(whole[:-40], encoding="utf-8")
    desk.clean("--json", "--diff", tmp_path / "again.diff")
    assert desk.output.read_text(encoding="utf-8") == whole
    told = capsys.readouterr()
    row = json.loads(told.out)
    assert (row["there"], row["done"], row["cached"], row["requests"], row["tokens_in"]) == (1, 1, 1, 0, 0)
    assert row["segments"] == {"keep": 3, "edit": 1, "delete": 1}  # of all videos, whichever call cleaned them
    assert "1 videos were in" in told.err
    assert "delete: [-thanks to our sponsor-]" in (tmp_path / "again.diff").read_text(encoding="utf-8")
    assert len(editor.requests) == 2


def _answered(change: Any) -> Any:
    def answer(messages: Any) -> str:
        found = rows(messages, of_sports)
        return json.dumps({"segments": change(found)})

    return answer


@pytest.mark.extra
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda messages: "Yes.", "its answer cannot be used: it is not JSON"),
        (_answered(lambda found: found[:-1]), "its answer says nothing about segment 4 of 4"),
        (_answered(lambda found: [*found, {**found[0], "number": 5}]), "its answer is about segment 5, which"),
        (
            _answered(lambda found: [{**found[0], "action": "edit", "text": "<b>What</b>"}, *found[1:]]),
            "its text for segment 1 has markup",
        ),
    ],
    ids=["malformed", "missing", "extra", "markup"],
)
def test_answers_that_are_refused(
    tmp_path: Path, editor: ChatOnLoopback, capsys: Captured, answer: Any, problem: str
) -> None:
    """Guards the data: such an answer is asked for again, never kept, told, and ends one video alone."""
    good = by_rule(of_sports)
    editor.answer = lambda messages: good(messages) if "other words" in str(messages) else answer(messages)
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"), spoken(tmp_path, "b.mp4", ["other words"]))
    desk.clean("--tries", "3", "--json", code=1)
    told = capsys.readouterr()
    assert desk.cleaned() == {"b.mp4": ["other words"]}
    assert f"The editor's server has no answer for a.mp4 from 0 s: {problem}" in told.err
    row = json.loads(told.out)
    assert (row["failed"], row["unanswered"], row["requests"]) == (1, 1, 4)
    assert row["tokens_in"] == 400  # what was of no use is paid too
    editor.answer = good
    desk.clean("-q")
    assert desk.cleaned() == {"b.mp4": ["other words"], "a.mp4": LEFT}


@pytest.mark.extra
def test_a_good_answer_after_bad_ones(tmp_path: Path, editor: ChatOnLoopback) -> None:
    """Guards against giving up early: servers fail, and models slip."""
    editor.troubles = [Trouble(status=503, times=1), Trouble(finish="length", times=1), Trouble(refusal="No.", times=1)]
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"))
    desk.clean("-q")
    assert desk.cleaned() == {"a.mp4": LEFT}
    assert len(editor.requests) == 4


@pytest.mark.extra
def test_another_editor_gets_another_file(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards a set that two editors, or two prompts, have cleaned without anybody's knowing."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"))
    desk.clean("-q")
    own = tmp_path / "own.toml"
    own.write_text('question = "Which of these? {segments}"\n', encoding="utf-8")
    desk.clean("--prompts", own, code=1)
    assert "holds words that are not cleaned by editor-1, prompts" in capsys.readouterr().err
    desk.output.write_bytes(desk.words.read_bytes())
    desk.clean(code=1)
    assert "but srt." in capsys.readouterr().err
    assert len(editor.requests) == 1


@pytest.mark.extra
def test_the_diff_on_standard_output(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards `| less`: the diff and nothing else."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"))
    desk.clean("--diff", "-")
    assert capsys.readouterr().out.splitlines()[0] == f"=== {tmp_path / 'a.mp4'} ==="


def test_the_prompts_are_shown(capsys: Captured, tmp_path: Path) -> None:
    """Guards own words: what is shown can be edited and given back."""
    assert main(["data", "clean", "--show-prompts"]) == 0
    shown = capsys.readouterr().out
    assert "{segments}" in shown
    own = tmp_path / "own.toml"
    own.write_text(shown, encoding="utf-8")
    assert main(["data", "clean", "--show-prompts", "--prompts", str(own)]) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("more", "code", "problem"),
    [
        (["--model", ""], 2, "--model is missing"),
        (["--server", "10.0.0.1"], 2, "--server must be like"),
        (["--diff", "-", "--json"], 2, "both write to standard output"),
        (["--price-in", "nan"], 2, "price"),
        (["--price-in", "-1"], 2, "Invalid value for '--price-in': "),
        (["-o", "{folder}/words.jsonl"], 2, "the file of the words themselves"),
        (["-o", "{folder}/missing/clean.jsonl"], 1, "no folder"),
        (["--diff", "{folder}/missing/a.diff"], 1, "no folder"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, editor: ChatOnLoopback, capsys: Captured, more: list[str], code: int, problem: str
) -> None:
    """Guards money: nothing is asked before what is wrong with a call is told."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"))
    desk.clean(*(one.format(folder=tmp_path) for one in more), code=code)
    assert problem in capsys.readouterr().err
    assert editor.requests == []


def test_wrong_words_are_told_before_they_cost(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards money: a file is read to its end first, and a video that is in it twice is one too many."""
    desk = Desk(tmp_path, editor, spoken(tmp_path, "a.mp4"), spoken(tmp_path, "a.mp4"))
    desk.clean(code=3)
    assert "has two lines about" in capsys.readouterr().err
    line = words_line(spoken(tmp_path, "a.mp4"), tmp_path)
    desk.words.write_text(line + line[:100] + "\n", encoding="utf-8")
    desk.clean(code=3)
    assert "words.jsonl:2: it is not JSON" in capsys.readouterr().err
    assert editor.requests == []


@pytest.mark.extra
def test_words_without_a_video(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards against an empty file for the next step, after words that failed for every video."""
    desk = Desk(tmp_path, editor)
    desk.clean(code=3)
    assert f"There is no video in {desk.words}." in capsys.readouterr().err
    assert not desk.output.exists()


@pytest.mark.extra
def test_a_server_that_is_gone(tmp_path: Path, editor: ChatOnLoopback, capsys: Captured) -> None:
    """Guards patience: after ten questions in a row without an answer the call ends, and keeps what it has."""
    editor.troubles = [Trouble(status=503)]
    videos = [spoken(tmp_path, f"{index}.mp4", [f"goal {index}"]) for index in range(30)]
    desk = Desk(tmp_path, editor, *videos)
    desk.clean("--tries", "1", "--jobs", "1", code=4)
    assert "has not answered 10 questions in a row" in capsys.readouterr().err
    editor.troubles = []
    desk.clean("-q")
    assert len(desk.cleaned()) == 30
