"""Messages as lmms-eval's tasks write them: what is shown, what is asked, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.moments import Moments
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.lmms.messages import Asked, PictureShelf, content_of, read_messages, require_there
from svlm_cli.sources.pictures import PictureFolder


@pytest.fixture
def shelf(tmp_path: Path) -> PictureShelf:
    return PictureShelf(tmp_path / "shelf")


def user(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


def video(url: Any = "a.mp4", **stretch: Any) -> dict[str, Any]:
    return {"type": "video", "url": url, **stretch}


def text(words: str = "Who has the ball?") -> dict[str, Any]:
    return {"type": "text", "text": words}


def picture(grey: int) -> Image.Image:
    return Image.fromarray(np.full((4, 6, 3), grey, np.uint8))


@pytest.mark.parametrize(
    ("part", "footage"),
    [
        (video(), Footage(Path("a.mp4"), None, None)),
        (video(Path("a.mp4")), Footage(Path("a.mp4"), None, None)),
        (video("file:///v/a.mp4"), Footage(Path("/v/a.mp4"), None, None)),
        (video(start_time=1.5, end_time=4), Footage(Path("a.mp4"), 1.5, 4)),
        (video({"path": "a.mp4", "video_start": 2, "video_end": 3}), Footage(Path("a.mp4"), 2, 3)),
        (video({"url": "a.mp4"}), Footage(Path("a.mp4"), None, None)),
    ],
)
def test_a_video_and_its_stretch(shelf: PictureShelf, part: dict[str, Any], footage: Footage) -> None:
    """Guards each form in which a task may name a stretch: seen too much, an answer is about something else."""
    assert read_messages(user(part, text()), shelf) == Asked(footage, "Who has the ball?")


def test_text_is_one_question_in_its_order_and_a_system_prompt_its_own(shelf: PictureShelf) -> None:
    messages = [{"role": "system", "content": "Be brief."}, *user(text("Look."), video(), text("Who?"))]
    assert read_messages(messages, shelf) == Asked(Footage(Path("a.mp4"), None, None), "Look.\nWho?", "Be brief.")


def test_pictures_are_a_clip(shelf: PictureShelf, tmp_path: Path) -> None:
    """Guards their order, their pixels, and that the same ones are the same clip, which is read once."""
    picture(9).save(tmp_path / "nine.png")
    shown = [
        {"type": "image", "url": one} for one in (picture(200), str(tmp_path / "nine.png"), *map(picture, range(9)))
    ]
    footage = read_messages(user(*shown, text()), shelf).footage
    assert (footage.frames_fps, footage.start_s, footage.end_s) == (2.0, None, None)
    found = PictureFolder(footage.path, 2.0).at(Moments(0.0, 0.5, 11))
    assert [int(one.mean()) for one in found] == [200, 9, *range(9)]
    assert read_messages(user(*shown, text("And now?")), shelf).footage == footage
    assert read_messages(user(*shown[1:], text()), shelf).footage != footage


def test_visuals_become_parts_of_a_message() -> None:
    """Guards what `doc_to_visual` of a task may give."""
    assert content_of("a.mp4") == {"type": "video", "url": "a.mp4"}
    assert content_of({"path": "a.mp4"}) == {"type": "video", "url": {"path": "a.mp4"}}
    assert content_of({"type": "audio", "url": "a.wav"})["type"] == "audio"
    shown = picture(1)
    assert content_of(shown) == {"type": "image", "url": shown}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (user(text()), "svlm looks at videos, and this request shows none."),
        (user(video(), video("b.mp4"), text()), "svlm looks at one video, and this request has 2."),
        (user(video(), {"type": "image", "url": picture(1)}, text()), "and this request has both."),
        (user(video(), text("  ")), "This request asks nothing: it has no text."),
        (
            user(video(), {"type": "audio", "url": "a.wav"}, text()),
            "and this request holds 'audio'.",
        ),
        ([*user(video(), text()), {"role": "assistant", "content": "Me."}], "a turn of the role assistant."),
        (user(video("https://example.org/a.mp4"), text()), "svlm reads videos from files"),
        (user(video(object()), text()), "svlm reads videos from files"),
        (user(video(start_time=4, end_time=4), text()), "Nothing of a.mp4 can be seen from 4 s to 4 s."),
        (user(video(start_time=-1), text()), "A stretch of a.mp4 cannot begin or end at -1."),
        (user({"type": "image", "url": 5}, text()), "svlm cannot show 5 as a picture."),
    ],
)
def test_what_svlm_cannot_be_asked_is_one_sentence(shelf: PictureShelf, messages: Any, said: str) -> None:
    """Guards against half of a request, the answer to which would be scored like one to all of it."""
    with pytest.raises(UsageError) as caught:
        read_messages(messages, shelf)
    assert said in str(caught.value)


def test_what_is_missing_or_no_picture_is_told(shelf: PictureShelf, tmp_path: Path) -> None:
    (tmp_path / "rotten.jpg").write_bytes(b"rotten")
    with pytest.raises(InputError, match=r"rotten.jpg cannot be read as a picture."):
        read_messages(user({"type": "image", "url": str(tmp_path / "rotten.jpg")}, text()), shelf)
    asked = [read_messages(user(video(tmp_path / name), text()), shelf) for name in ("rotten.jpg", "b.mp4", "c.mp4")]
    require_there(asked[:1])
    with pytest.raises(InputError, match=r"There is no video .*b.mp4, nor 1 more\."):
        require_there(asked)
