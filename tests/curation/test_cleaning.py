"""Words before an editor in this process: many videos at once, each put together again."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from svlm_cli.chat.asking import Patience
from svlm_cli.chat.prompts import read_prompts
from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.core.errors import ModelError
from svlm_cli.curation.cleaning import CleaningSpent, Edited, clean
from svlm_cli.curation.editor import OUR_PROMPTS, EditorAsker, EditorForm, EditorPrompts, editor_asker
from svlm_cli.curation.timing import spread
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo
from tests.servers.editor import asked_about, by_rule, of_sports

FORM = EditorForm("http://127.0.0.1:1/v1", "editor-1", read_prompts(EditorPrompts, OUR_PROMPTS)[0])


class Direct:
    """Answers in this process; where a text has "static" in it, with nonsense."""

    def __init__(self) -> None:
        self.at_once, self.most_at_once, self.asked = 0, 0, 0
        self._lock = threading.Lock()

    def ask(self, messages: Sequence[Message], *, seed: int | None, temperature: float | None) -> ChatReply:
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        threading.Event().wait(0.002 * (self.asked % 3))
        try:
            nonsense = any("static" in text for text in asked_about(messages))
            return ChatReply("?" if nonsense else by_rule(of_sports)(messages), 100, 10)
        finally:
            with self._lock:
                self.at_once -= 1


def video(name: str, *texts: str, apart_s: float = 50.0) -> SpokenVideo:
    starts = [index * apart_s for index in range(len(texts))]
    segments = (
        SpokenSegment(start, start + 4, tuple(spread(text, start, start + 4)))
        for start, text in zip(starts, texts, strict=True)
    )
    return SpokenVideo(Path(name), 1000.0, tuple(segments), source="srt")


def cleaned(asker: EditorAsker, videos: Sequence[SpokenVideo], spent: CleaningSpent) -> list[SpokenVideo]:
    written: list[SpokenVideo] = []
    heard: list[Edited] = []
    clean(videos, asker, FORM.mark, jobs=3, write=written.append, heard=heard.append, spent=spent)
    return written


def asker(server: Direct, folder: Path) -> EditorAsker:
    return editor_asker(server, FORM, ReplyCache(folder), patience=Patience(2, 0.001, 0.001))


def test_each_video_is_whole_and_in_its_place(tmp_path: Path) -> None:
    """Guards videos whose passages are answered in any order, by several threads, over several batches."""
    many = [video(f"{index}.mp4", *(f"goal {index} {part}" for part in range(7))) for index in range(40)]
    videos = [*many[:20], video("mute.mp4"), video("advert.mp4", "our sponsor"), *many[20:]]
    server, spent = Direct(), CleaningSpent()
    written = cleaned(asker(server, tmp_path), videos, spent)
    assert [one.video for one in written] == [one.video for one in videos]
    assert [one.segments for one in written if one.video.stem.isdecimal()] == [one.segments for one in many]
    assert [one.segments for one in written[20:22]] == [(), ()]
    assert {one.source for one in written} == {f"srt, {FORM.mark}"}
    assert 1 < server.most_at_once <= 3
    assert (spent.videos, spent.failed, spent.passages, spent.cached) == (42, 0, 121, 0)
    assert (spent.tokens_in, spent.tokens_out) == (12_100, 1210)
    again = CleaningSpent()
    assert cleaned(asker(server, tmp_path), videos, again) == written
    assert (server.asked, again.cached, again.tokens_in) == (121, 121, 0)


def test_one_passage_without_an_answer_fails_its_video_alone(tmp_path: Path) -> None:
    """Guards against videos with a hole, and the bill: what is of no use is paid too."""
    videos = [video("a.mp4", "goal"), video("b.mp4", "goal", "by messy", "static", "goal"), video("c.mp4", "save")]
    spent = CleaningSpent()
    written = cleaned(asker(Direct(), tmp_path), videos, spent)
    assert [one.video.name for one in written] == ["a.mp4", "c.mp4"]
    assert (spent.failed, spent.unanswered, spent.tokens_in) == (1, 1, 500)


def test_a_server_that_answers_nothing_of_use_ends_it(tmp_path: Path) -> None:
    """Guards money: ten questions in a row without an answer are enough."""
    videos = [video(f"{index}.mp4", "static") for index in range(60)]
    server = Direct()
    with pytest.raises(ModelError, match="The editor's server has not answered 10 questions in a row"):
        cleaned(asker(server, tmp_path), videos, CleaningSpent())
    assert server.asked < 40
