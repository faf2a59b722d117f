"""``svlm eval ... generate --backend openai`` as it is called, with a model on loopback that says what it is shown."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from svlm_cli.commands.app import main
from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.inf_streams import candidate_text, covered_by_all, read_clips
from tests.clips import make_clip
from tests.conftest import environment
from tests.evals.benchmarks.miniature import clip, event, write_lines
from tests.servers.chat import ChatOnLoopback, Messages, Trouble
from tests.servers.commentator import jpegs, reporting, serve_commentator, shown

KEY = "sesame-open-1234"
SPANS = ((0, 20), (20, 60), (60, 90), (90, 120))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two games of two minutes, in which picture k is on screen from second k on; one is larger than what is sent."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "Football").mkdir()
    make_clip(folder / "Football" / "v0.mp4", frames=120, fps="1", size=(512, 384))
    make_clip(folder / "v1.mp4", frames=120, fps="1")
    return folder


@dataclass(frozen=True, slots=True)
class Calls:
    """Commands about a miniature set in a folder."""

    folder: Path
    videos: Path
    model: ChatOnLoopback
    capsys: pytest.CaptureFixture[str]

    @property
    def clips(self) -> Path:
        rows = [clip(f"Football/v{video}.mp4", [(*span, "so")]) for video in (0, 1) for span in SPANS]
        return write_lines(self.folder / "score_all_clips.jsonl", rows)

    @property
    def predictions(self) -> Path:
        return self.folder / "baseline.jsonl"

    def commentary(self, *more: str, annotations: Path | None = None, model: str = "model-1") -> list[str]:
        data = ["--annotations", str(annotations or self.clips), "--videos", str(self.videos)]
        return ["eval", "commentary", "generate", *data, *self._server(model), *more]

    def livesports(self, events: Path, *more: str) -> list[str]:
        data = ["--events", str(events), "--videos", str(self.videos)]
        return ["eval", "livesports", "generate", *data, *self._server("model-1"), *more]

    def _server(self, model: str) -> list[str]:
        server = ["--backend", "openai", "--model", model, "--base-url", self.model.base_url]
        return [*server, "--cache", str(self.folder / "cache"), "-o", str(self.predictions), "--json"]

    def run(self, arguments: list[str], code: int = 0) -> tuple[dict[str, Any], str]:
        """The object on stdout, and stderr."""
        assert main(arguments) == code
        out, err = self.capsys.readouterr()
        assert KEY not in out + err
        assert "Traceback" not in err
        assert "\x1b" not in err
        return json.loads(out) if out else {}, err


@pytest.fixture
def calls(
    tmp_path: Path, videos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Calls]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve_commentator() as model:
        yield Calls(tmp_path, videos, model, capsys)


@pytest.mark.extra
def test_clips_become_predictions(calls: Calls) -> None:
    """Guards the whole way: what is asked for, what is sent, what is written, and the bill."""
    told, err = calls.run(calls.commentary("--price-in", "0.15", "--price-out", "0.6"))
    assert (told["clips"], told["spoken"], told["requests"], told["cached"]) == (8, 8, 8, 0)
    assert (told["tokens_in"], told["tokens_out"]) == (800, 8)
    assert told["cost"] == pytest.approx((800 * 0.15 + 8 * 0.6) / 1e6)
    assert "clips: 8 spoken; 0 came from disk. 800 tokens read, 8 written: 0.0001 in all." in err
    assert {(one["model"], one["temperature"]) for one in calls.model.requests} == {("model-1", 0.7)}
    asked = sorted(shown(one["messages"]) for one in calls.model.requests)
    assert asked == sorted(2 * [[*range(start, end, 4)] for start, end in SPANS])
    pictures = [Image.open(io.BytesIO(one)) for asked in calls.model.requests for one in jpegs(asked["messages"])]
    assert {(one.format, one.size) for one in pictures} == {("JPEG", (480, 360)), ("JPEG", (160, 120))}
    _, clips = read_clips(calls.clips)
    said = read_commentary(calls.predictions)
    assert covered_by_all(clips, [said]).left_out == 0
    texts = {candidate_text(said.items[one.video], one) for one in clips}
    seconds = [range(*span, 4) for span in SPANS]
    assert texts == {f"From {one[0]} to {one[-1]}, {len(one)} pictures." for one in seconds}
    told, err = calls.run(calls.commentary())
    assert (told["spoken"], told["requests"]) == (0, 0), "all is there"
    assert "8 of 8 are done" in err


@pytest.mark.extra
def test_a_long_clip_is_thinned_out(calls: Calls) -> None:
    """Guards the limit of 60 pictures."""
    whole = write_lines(calls.folder / "whole.jsonl", [clip("Football/v1.mp4", [(0, 120, "so")])])
    calls.run(calls.commentary("--fps", "1", annotations=whole))
    (asked,) = calls.model.requests
    seconds = shown(asked["messages"])
    assert (len(seconds), seconds[0], seconds[-1]) == (60, 0, 119)
    assert {later - one for one, later in pairwise(seconds)} == {2, 3}


@pytest.mark.extra
def test_a_server_in_trouble_is_asked_again(calls: Calls) -> None:
    calls.model.troubles += [Trouble(429, headers={"Retry-After": "1"}, times=1), Trouble(finish="length", times=1)]
    told, _ = calls.run(calls.commentary("--jobs", "1"))
    assert (told["spoken"], told["requests"], told["tokens_in"]) == (8, 10, 900), "what was cut off was paid for"
    first, second, *_ = calls.model.times_s
    assert second - first >= 1


@pytest.mark.extra
@pytest.mark.parametrize(
    ("trouble", "outcome", "said"),
    [
        (Trouble(finish="length", times=1), "unanswered", "its answer is cut off"),
        (Trouble(cut=True, times=1), "unanswered", "the connection to it fails"),
        (Trouble(finish="content_filter", times=1), "refused", "it refuses to answer"),
        (Trouble(refusal="I cannot help.", times=1), "refused", "it refuses to answer"),
    ],
)
def test_what_is_no_commentary_is_told_and_asked_for_again(
    calls: Calls, trouble: Trouble, outcome: str, said: str
) -> None:
    """Guards the predictions against half an answer, and scripts by the code."""
    calls.model.troubles.append(trouble)
    told, err = calls.run(calls.commentary("--jobs", "1", "--tries", "1"), code=1)
    assert (told[outcome], told["spoken"]) == (1, 7)
    assert f"v0.mp4 from 0 s is left without commentary: {said}" in err
    assert "Some are left without commentary. The same call asks for them again." in err
    assert len(calls.predictions.read_text().splitlines()) == 7
    told, _ = calls.run(calls.commentary())
    assert (told["spoken"], told["requests"]) == (1, 1)


@pytest.mark.extra
def test_nothing_that_is_said_breaks_a_line(calls: Calls) -> None:
    """Guards files and terminals; an answer in which nothing is said is none."""

    def answer(messages: Messages) -> str:
        return " \n" if shown(messages)[0] == 0 else f"\x1b]0;mine\x07{reporting(messages)}\n\u2028\x85 {KEY}"

    calls.model.answer = answer
    told, _ = calls.run(calls.commentary(), code=1)
    assert (told["spoken"], told["empty"]) == (6, 2)
    written = calls.predictions.read_text(encoding="utf-8")
    assert len(written.splitlines()) == 6
    assert all(row["items"][0]["response"].endswith("pictures. ...") for row in map(json.loads, written.splitlines()))


@pytest.mark.extra
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_stopped_run_loses_no_clip_and_pays_for_nothing_twice(
    calls: Calls, number: signal.Signals, code: int
) -> None:
    """Guards the bill: kill -9 or Ctrl-C while it asks, then the same call again."""
    goes_on = threading.Event()

    def halt(messages: Messages) -> str:
        if len(calls.model.requests) > 4:
            goes_on.wait(100)
        return reporting(messages)

    calls.model.answer = halt
    asked = calls.commentary("--jobs", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "svlm_cli", *asked],
        env=environment(OPENAI_API_KEY=KEY),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while not calls.predictions.exists() or calls.predictions.read_bytes().count(b"\n") < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    assert process.wait(60) == code, "nobody waits for the answers that are under way"
    goes_on.set()
    kept = calls.predictions.read_bytes()
    made = len(calls.model.requests)
    told, _ = calls.run(asked)
    assert calls.predictions.read_bytes().startswith(kept)
    assert told["requests"] == len(calls.model.requests) - made == 4
    assert sorted(read_commentary(calls.predictions).chunks["v0"]) == [*SPANS]


@pytest.mark.extra
def test_predictions_of_another_setting_are_not_mixed(calls: Calls) -> None:
    calls.run(calls.commentary())
    before = calls.predictions.read_bytes()
    _, err = calls.run(calls.commentary(model="model-2"), code=2)
    assert "was begun with another setting: chat model. Use --overwrite" in err
    _, err = calls.run(calls.commentary("--temperature", "0"), code=2)
    assert "another setting: temperature" in err
    assert calls.predictions.read_bytes() == before
    told, _ = calls.run(calls.commentary("--overwrite", model="model-2"))
    assert (told["spoken"], told["requests"]) == (8, 8)
    told, _ = calls.run(calls.commentary("--overwrite"))
    assert (told["spoken"], told["cached"], told["requests"]) == (8, 8, 0), "the answers of the first run are kept"


@pytest.mark.extra
@pytest.mark.parametrize(
    ("bad", "unreadable", "missing", "said"),
    [
        (("v1", 100, 140), 1, 0, ("v1.mp4 from 100 s is left without commentary", "has no picture at 120 s")),
        (("v2", 0, 40), 0, 1, ("There is no", "v2.mp4")),
    ],
)
def test_a_short_video_and_a_missing_one_touch_no_other(
    calls: Calls, bad: tuple[str, float, float], unreadable: int, missing: int, said: tuple[str, ...]
) -> None:
    """Guards the other clips, and scripts by the code."""
    rows = [clip(f"Football/{video}.mp4", [(*span, "so")]) for video, *span in (("v0", 0, 40), bad)]
    annotations = write_lines(calls.folder / "clips.jsonl", rows)
    told, err = calls.run(calls.commentary(annotations=annotations), code=1)
    assert (told["spoken"], told["unreadable"], told["videos_missing"]) == (1, unreadable, missing)
    assert told["requests"] == 1
    assert all(part in err for part in said)


@pytest.mark.extra
def test_events_become_predictions(calls: Calls) -> None:
    """Guards LiveSports-3K CC: from begin to end of each, resumable by event."""
    rows = [event("v1", part, "A shot.") for part in ("a", "b", "c")]
    events = write_lines(calls.folder / "events.jsonl", rows)
    told, _ = calls.run(calls.livesports(events))
    assert (told["clips"], told["spoken"]) == (3, 3)
    said = [json.loads(line) for line in calls.predictions.read_text().splitlines()]
    assert sorted((row["video_id"], row["event_id"]) for row in said) == [("v1", part) for part in ("a", "b", "c")]
    assert {(row["begin"], row["end"], row["pred"]) for row in said} == {(10.0, 20.5, "From 10 to 18, 3 pictures.")}
    told, _ = calls.run(calls.livesports(events))
    assert (told["spoken"], told["requests"]) == (0, 0)


@pytest.mark.extra
def test_own_prompts_and_a_seed_are_sent(calls: Calls) -> None:
    (calls.folder / "own.toml").write_text("question = 'Speak of {title} after {context}'")
    calls.run(calls.commentary("--prompts", str(calls.folder / "own.toml"), "--seed", "7"))
    assert {one["seed"] for one in calls.model.requests} == {7}
    (text, *_) = calls.model.requests[0]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "Speak of A game after Welcome."}


@pytest.mark.parametrize("benchmark", ["commentary", "livesports"])
def test_prompts_are_shown_without_a_key(capsys: pytest.CaptureFixture[str], benchmark: str) -> None:
    assert main(["eval", benchmark, "generate", "--show-prompts"]) == 0
    assert "{pictures}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--backend", "openai"], "--model is missing. Name the model as its server calls it"),
        (["--backend", "openai", "--model", "m", "--mode", "full"], "--mode does nothing with --backend openai"),
        (["--backend", "openai", "--model", "m", "--set", "mode='full'"], "--set does nothing with --backend openai"),
        (["--backend", "openai", "--model", "m", "--chunk", "100"], "--chunk does nothing with --backend openai"),
        (["--backend", "openai", "--model", "m", "--price-in", "inf"], "inf is not a price"),
        (["--price-in", "1"], "--price-in needs --backend openai. Leave it out."),
        (["--base-url", "http://127.0.0.1/v1"], "--base-url needs --backend openai"),
    ],
)
def test_requests_that_make_no_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    """Guards against options that would do nothing, before a model is loaded or a server asked."""
    monkeypatch.setenv("SVLM_MODEL", "svlm-mini")
    (tmp_path / "v0.mp4").write_bytes(b"video")
    data = write_lines(tmp_path / "clips.jsonl", [clip("Football/v0.mp4", [(0, 20, "so")])])
    where = ["--annotations", str(data), "--videos", str(tmp_path), "-o", str(tmp_path / "said.jsonl")]
    assert main(["eval", "commentary", "generate", *where, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "said.jsonl").exists()
