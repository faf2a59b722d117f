"""The class that lmms-eval makes and asks, without its command: arguments, refusals, pictures, and drawn answers."""

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from svlm_cli.core.errors import InputError, UsageError
from tests.clips import cut, make_clip

pytestmark = [pytest.mark.extra, pytest.mark.filterwarnings("ignore")]  # those of lmms-eval and what it imports

Row = dict[str, Any]
Make = Callable[..., Any]
WAYS = ("full", "streaming")
DRAWN = {"max_new_tokens": 8, "do_sample": True, "temperature": 2.0}


@pytest.fixture
def make(tiny_checkpoint: Path, tmp_path: Path) -> Make:
    """A model, as lmms-eval makes one of the text after ``--model_args``."""
    from lmms_eval.models import get_model

    policy = tmp_path / "policy.toml"
    policy.write_text("[vision]\nmin_pixels = 784\n[sampling]\nmax_new_tokens = 3\ntemperature = 0.0\n")

    def made(more: str = "way=full,frames=4") -> Any:
        arguments = f"pretrained={tiny_checkpoint},policy={policy},max_pixels=3136,{more}"
        return get_model("svlm").create_from_arg_string(arguments, {"batch_size": "2", "device": "cpu"})

    return made


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", frames=12, fps="2", size=(56, 42))


def asked(model: Any, contents: list[list[Row]], settings: Row | None = None, system: str = "") -> list[Any]:
    """Requests about documents that are what is shown."""
    from lmms_eval.api.instance import Instance

    model.task_dict["task"] = {"test": contents}

    def doc_to_messages(doc: list[Row]) -> list[Row]:
        turn = {"role": "user", "content": [*doc, {"type": "text", "text": "Who has the ball?"}]}
        return [{"role": "system", "content": system}, turn] if system else [turn]

    def request(number: int) -> Any:
        arguments = ("", doc_to_messages, settings or {"max_new_tokens": 8}, number, "task", "test")
        metadata = {"task": "task", "doc_id": number, "repeats": 1}
        return Instance("generate_until", arguments=arguments, idx=0, metadata=metadata)

    return [request(number) for number in range(len(contents))]


def likelihoods(model: Any, visuals: list[list[Any]]) -> list[tuple[float, bool]]:
    """Of one answer, about each of these."""
    requests = asked(model, visuals)
    for number, one in enumerate(requests):
        one.arguments = ("Who has the ball?", lambda doc: "The reds.", lambda doc: doc, number, "task", "test")
    found: list[tuple[float, bool]] = model.loglikelihood(requests)
    return found


def shown(path: Path) -> list[Row]:
    return [{"type": "video", "url": str(path)}]


def said(model: Any, requests: list[Any]) -> list[str]:
    return [one.text for one in model.generate_until(requests)]


@pytest.mark.parametrize("way", WAYS)
def test_a_video_that_is_missing_or_broken_ends_the_run(make: Make, video: Path, way: str) -> None:
    """Guards scores: no answer is wrong by the rules of all tasks, and some draw a letter for an empty one."""
    model, whole = make(f"way={way}"), make_clip(video.with_name("b.mkv"), frames=20, fps="2", size=(56, 42))
    half = cut(whole, video.with_name("half.mkv"), 0.5)
    (rotten := video.with_name("rotten.mp4")).write_bytes(b"rotten")
    with pytest.raises(InputError, match=r"There is no video .*gone.mp4\."):
        model.generate_until(asked(model, [shown(video), shown(video.with_name("gone.mp4"))]))
    for path, why in ((rotten, "rotten.mp4"), (half, "half.mkv")):
        with pytest.raises(InputError, match=why):
            model.generate_until(asked(model, [shown(video), shown(path)]))
    assert all(said(model, asked(model, [shown(video)]))), "the model can still be asked"


@pytest.mark.parametrize("way", WAYS)
def test_pictures_are_frames_of_a_clip(make: Make, video: Path, way: str) -> None:
    """Guards pictures, against the video that they are taken from, by the likelihood of an answer."""
    from svlm_cli.core.moments import Moments
    from svlm_cli.sources.moments import StillsOf

    frames = [Image.fromarray(np.asarray(one)) for one in StillsOf(video).at(Moments(0.0, 0.5, 4))]
    stretch = [{"path": str(video), "video_start": 0.0, "video_end": 2.0}]
    black = [Image.new("RGB", one.size) for one in frames]
    (one, _), (other, _), (dark, _) = likelihoods(make(f"way={way}"), [frames, stretch, black])
    assert one == pytest.approx(other, abs=1e-4)
    assert abs(one - dark) > 1e-2


def test_pictures_do_not_fill_the_disk(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards benchmarks whose requests hold many pictures each: some are answered before more are laid down."""
    from svlm_cli.evals.lmms.messages import PictureShelf

    greys = [[Image.new("RGB", (56, 42), (grey,) * 3)] * 2 for grey in (0, 90, 180, 250)]
    expected = likelihoods(make(), greys)
    assert len({*expected}) == 4
    model, held = make(), list[int]()
    folder = Path(model._folder.name)
    real = PictureShelf.put

    def put(shelf: PictureShelf, pictures: Any) -> Any:
        footage = real(shelf, pictures)
        held.append(len([*folder.iterdir()]))
        return footage

    monkeypatch.setattr(PictureShelf, "put", put)
    monkeypatch.setattr(model, "_shelf", PictureShelf(folder, enough_bytes=1))
    assert likelihoods(model, greys) == expected
    assert held == [1, 1, 1, 1]
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("way", WAYS)
def test_repeated_questions_are_drawn_anew(make: Make, video: Path, way: str) -> None:
    """Guards what lmms-eval measures stability by; a second run says the same."""
    model = make(f"way={way}")
    requests = asked(model, [shown(video)], DRAWN) * 3
    found = said(model, requests)
    assert len({*found}) == 3
    assert said(model, requests) == found
    other = make(f"way={way},seed=1")
    assert said(other, asked(other, [shown(video)], DRAWN)) != found[:1]


@pytest.mark.parametrize("way", WAYS)
def test_a_longer_answer_gets_an_engine_with_room_for_it(make: Make, video: Path, way: str) -> None:
    """Guards the engine that is kept between calls: another takes its place, on the same weights, and says the same."""
    model = make(f"way={way},frames=4")
    (first,) = said(model, asked(model, [shown(video)]))
    longer = model.generate_until(asked(model, [shown(video)], {"max_new_tokens": 300}))
    assert longer[0].text.startswith(first)
    assert 128 < longer[0].token_counts.output_tokens <= 300
    assert said(model, asked(model, [shown(video)])) == [first]
    weights = weakref.ref(model._engines._model.network)
    model.clean()
    assert weights() is None, "a judge may need the memory"
    assert said(model, asked(model, [shown(video)])) == [first], "they are loaded again"


def test_a_system_prompt_is_that_of_its_requests_alone(make: Make, video: Path) -> None:
    """Guards the engine that is kept against the next request's prompt, and our prompt against theirs."""
    model = make()
    (plain,) = said(model, asked(model, [shown(video)]))
    (told,) = said(model, asked(model, [shown(video)], system="The referee points to the spot."))
    assert plain != told
    assert said(model, asked(model, [shown(video)])) == [plain]
    assert said(model, asked(model, [shown(video)], system="You are a helpful assistant.")) == [plain]


def test_refusals_are_sentences(make: Make, video: Path) -> None:
    """Guards users against tracebacks' last lines that say nothing."""
    with pytest.raises(UsageError, match="svlm has no model argument 'max_num_frames'"):
        make("max_num_frames=8")
    model = make()
    with pytest.raises(UsageError, match="svlm has no beam search"):
        model.generate_until(asked(model, [shown(video)], {"num_beams": 3}))
    (request,) = asked(model, [shown(video)])
    request.arguments = ("", " A")
    with pytest.raises(UsageError, match="this request shows none"):
        model.loglikelihood([request])


def test_what_means_nothing_is_told_once(make: Make, video: Path) -> None:
    from loguru import logger

    lines: list[str] = []
    handler = logger.add(lambda line: lines.append(str(line)), format="{message}")
    try:
        model = make()
        model.generate_until(asked(model, [shown(video)] * 2, {"max_new_tokens": 2, "modality": "video"}))
    finally:
        logger.remove(handler)
    assert [one.strip() for one in lines if "svlm" in one] == ["svlm ignores modality in generation_kwargs."]
