"""docs/reproduce.md from an empty folder: every command, to the letter and in order, against stand-ins on loopback.

In place of the weights a tiny random model, in place of the data sets miniature ones of the same formats, in place of
the baseline and the judge one server. What a command needs to find them is in the environment and in a configuration
file.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.livesports import read_predictions
from svlm_cli.evals.judge.questions import Outcome
from svlm_cli.evals.judge.votes import read_votes
from tests.clips import make_clip
from tests.conftest import ROOT, environment
from tests.evals.benchmarks.miniature import clip, event, write_lines
from tests.servers.chat import ChatOnLoopback, Messages, serving
from tests.servers.commentator import reporting
from tests.servers.hub import Hub, serve_hub
from tests.servers.judge import decide_on, length_biased

PAGE = ROOT / "docs" / "reproduce.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GAMES = {"v0": "Basketball", "v1": "Soccer"}
ROWS = ("streaming", "window", "window-overlap", "native-positions", "recent", "full", "chunk")
CONTROLS = ("same", "reference", "empty")
SPANS = {"v0": ((1000, 1006), (1006, 1103)), "v1": ((1000, 1006), (1006, 1012))}
"""The clips of each game, which ends with its last one. After 100 s no mode speaks as another does."""


def commands() -> str:
    """All blocks of the page, as one script that ends where a command fails."""
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return "set -eux\n" + "\n".join(blocks)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two games and four events, as the data sets have them."""
    folder = tmp_path_factory.mktemp("data")
    games, sports = folder / "games", folder / "sports"
    (sports / "videos").mkdir(parents=True)
    whole, clips = [], []
    for video, sport in GAMES.items():
        (games / sport).mkdir(parents=True)
        make_clip(games / sport / f"{video}.mp4", frames=SPANS[video][-1][1] + 1, fps="1", size=(64, 48))
        said = {span: [(second, second + 1, f"word {second}") for second in range(*span)] for span in SPANS[video]}
        whole.append(clip(f"{sport}/{video}.mp4", [word for words in said.values() for word in words]))
        clips += [clip(f"{sport}/{video}.mp4", words) for words in said.values()]
        make_clip(sports / "videos" / f"{video}.mp4", frames=24, fps="1", size=(64, 48))
    write_lines(games / "eval_all_metadata.jsonl", whole)
    write_lines(games / "score_all_clips.jsonl", clips)
    events = [event(video, str(part), "A shot.") | {"video": f"{video}.mp4"} for video in GAMES for part in range(2)]
    write_lines(sports / "LiveSports-3K-CC.json", events)
    return folder


def answer(messages: Messages) -> str:
    """As the baseline, if there are pictures, else as a judge."""
    return reporting(messages) if isinstance(messages[-1]["content"], list) else decide_on(messages, length_biased)


@dataclass(frozen=True, slots=True)
class World:
    """All that is elsewhere."""

    hub: Hub
    chat: ChatOnLoopback


@pytest.fixture
def world(data: Path, tiny_checkpoint: Path) -> Iterator[World]:
    repositories = {
        "mit-han-lab/StreamingVLM": {"main": tiny_checkpoint},
        "datasets/mit-han-lab/Inf-Stream-Eval": {"main": data / "games"},
        "datasets/stdKonjac/LiveSports-3K": {"main": data / "sports"},
    }
    chat = ChatOnLoopback(answer)
    with serve_hub(repositories) as hub, serving(chat):
        yield World(hub, chat)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", ROOT]
    subprocess.run([*map(str, build)], check=True, capture_output=True)
    (path,) = (tmp_path / "dist").glob("*.whl")
    return path


def surroundings(folder: Path, world: World, wheel: Path) -> dict[str, str]:
    """What leads the commands to the stand-ins. What svlm depends on is lent by the environment of these tests."""
    config = folder / "config.toml"
    base = f'base_url = "{world.chat.base_url}"\n'
    groups = [f"eval.{one}.{name}" for one in ("commentary", "livesports") for name in ("generate", "judge")]
    config.write_text("".join(f"[{group}]\n{base}" for group in groups))
    scripts = sysconfig.get_path("scripts")
    return environment(
        SVLM=str(wheel),
        SVLM_CONFIG=str(config),
        OPENAI_API_KEY="sesame",
        HOME=str(folder),
        XDG_CACHE_HOME=str(folder / "cache"),
        HF_ENDPOINT=world.hub.endpoint,
        HF_HOME=str(folder / "hub"),
        HF_HUB_OFFLINE="0",
        NO_PROXY="127.0.0.1",
        PIP_NO_INDEX="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PYTHONPATH=sysconfig.get_path("purelib"),
        PATH=f"{scripts}:/usr/local/bin:/usr/bin:/bin",
    )


def test_each_block_says_what_it_needs() -> None:
    """Guards against finding nothing to run, and the other test of pages against running these."""
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) >= 8
    assert all(block.startswith("# needs ") for block in blocks)


@pytest.mark.extra
@pytest.mark.timeout(1200)
def test_the_page_from_an_empty_folder(tmp_path: Path, world: World, wheel: Path) -> None:
    """Guards whoever spends days and money on it: each name, each option, each file of the step before."""
    folder = tmp_path / "empty"
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-c", commands()],
        cwd=folder,
        env=surroundings(tmp_path, world, wheel),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    for row in ROWS:
        said = read_commentary(folder / "predictions" / f"{row}.jsonl")
        assert all(said.covers(video, *span) for video, spans in SPANS.items() for span in spans), row
    baseline = read_commentary(folder / "predictions" / "gpt-4o-mini.jsonl")
    assert baseline.items["v0"][0].response == "From 1000 to 1004, 2 pictures."
    for name in ("streaming.cc", "gpt-4o-mini.cc"):
        assert len(read_predictions(folder / "predictions" / f"{name}.jsonl")[0]) == 2 * len(GAMES)
    for name in (*ROWS, *CONTROLS):
        votes = read_votes(folder / "votes" / f"{name}.jsonl").votes.values()
        assert len(votes) == 2 * sum(map(len, SPANS.values())), name
        assert {one.outcome for one in votes} <= {Outcome.A, Outcome.B}
    assert len(read_votes(folder / "votes" / "streaming.cc.jsonl").votes) == 4 * len(GAMES)
    assert (folder / "rates.png").read_bytes().startswith(b"\x89PNG")
    assert "streaming.jsonl against gpt-4o-mini.jsonl" in done.stdout
    assert {one["model"] for one in world.chat.requests} == {"gpt-4o-mini", "gpt-5"}
    assert str(folder / ".venv") in done.stderr, "it is the installed svlm that ran"
