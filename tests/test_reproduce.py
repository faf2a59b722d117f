"""docs/reproduce.md from an empty folder: every command, to the letter and in order, against stand-ins on loopback.

In place of the weights tiny random models, in place of the data sets miniature ones of the same formats, in place of
the baseline and the judge one server. What a command needs to find them is in the environment, in a configuration
file and in git's. Commentary and questions about videos are two runs, each from an empty folder.
"""

import re
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.livesports import read_predictions
from svlm_cli.evals.judge.questions import Outcome
from svlm_cli.evals.judge.votes import read_votes
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.evals.vqa.results import ResultsFile, read_results
from tests.clips import make_clip
from tests.conftest import ROOT, environment
from tests.evals.benchmarks.miniature import clip, event, write_lines
from tests.evals.vqa import published
from tests.servers.chat import ChatOnLoopback, Messages, serving
from tests.servers.commentator import reporting
from tests.servers.hub import Hub, serve_hub
from tests.servers.judge import decide_on, length_biased
from tests.tiny import make_tiny_checkpoint

PAGE = ROOT / "docs" / "reproduce.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUESTIONS = "\n## Questions about videos\n"
_TRAINING = "\n## The two stages of training\n"  # in miniature: tests/training/test_stages.py
GAMES = {"v0": "Basketball", "v1": "Soccer"}
ROWS = ("streaming", "window", "window-overlap", "native-positions", "recent", "full", "chunk")
CONTROLS = ("same", "reference", "empty")
SPANS = {"v0": ((1000, 1006), (1006, 1103)), "v1": ((1000, 1006), (1006, 1012))}
"""The clips of each game, which ends with its last one. After 100 s no mode speaks as another does."""


MODELS = ("qwen2.5-vl-7b", "streamingvlm-7b")


def blocks(*, questions: bool) -> list[str]:
    """Of the page's part about questions, or of what is before it."""
    page, _ = PAGE.read_text(encoding="utf-8").split(_TRAINING)
    return _BLOCK.findall(page.split(_QUESTIONS)[questions])


def run_page(folder: Path, blocks: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """All blocks as one script, in an empty folder. It ends where a command fails, and so does the test."""
    folder.mkdir()
    script = "set -eux\n" + "\n".join(blocks)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    assert str(folder / ".venv") in done.stderr, "it is the installed svlm that ran"
    return done


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


def surroundings(folder: Path, hub: Hub, wheel: Path, chat_url: str = "", **more: str) -> dict[str, str]:
    """What leads the commands to the stand-ins. What svlm depends on is lent by the environment of these tests."""
    config = folder / "config.toml"
    base = f'base_url = "{chat_url}"\n'
    groups = [f"eval.{one}.{name}" for one in ("commentary", "livesports") for name in ("generate", "judge")]
    config.write_text("".join(f"[{group}]\n{base}" for group in groups))
    scripts = sysconfig.get_path("scripts")
    return environment(
        SVLM=str(wheel),
        SVLM_CONFIG=str(config),
        OPENAI_API_KEY="sesame",
        HOME=str(folder),
        XDG_CACHE_HOME=str(folder / "cache"),
        HF_ENDPOINT=hub.endpoint,
        HF_HOME=str(folder / "hub"),
        HF_HUB_OFFLINE="0",
        NO_PROXY="127.0.0.1",
        PIP_NO_INDEX="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PYTHONPATH=sysconfig.get_path("purelib"),
        PATH=f"{scripts}:/usr/local/bin:/usr/bin:/bin",
        **more,
    )


def test_each_block_says_what_it_needs() -> None:
    """Guards against finding nothing to run, and the other test of pages against running these."""
    for questions, least in ((False, 8), (True, 14)):
        found = blocks(questions=questions)
        assert len(found) >= least
        assert all(block.startswith("# needs ") for block in found)


@pytest.mark.extra
@pytest.mark.timeout(1200)
def test_commentary_from_an_empty_folder(tmp_path: Path, world: World, wheel: Path) -> None:
    """Guards whoever spends days and money on it: each name, each option, each file of the step before."""
    folder = tmp_path / "empty"
    done = run_page(folder, blocks(questions=False), surroundings(tmp_path, world.hub, wheel, world.chat.base_url))
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
    rows = [line.split() for line in done.stdout.splitlines()]
    assert any(row[:3] == ["streaming.jsonl", "against", "gpt-4o-mini.jsonl"] for row in rows), "a row of the table"
    assert {one["model"] for one in world.chat.requests} == {"gpt-4o-mini", "gpt-5"}


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets of questions, elsewhere."""

    folder: Path
    questions: Mapping[str, int]  # of each, by the name of its command

    def surroundings(self, folder: Path, hub: Hub, wheel: Path) -> dict[str, str]:
        """With the authors' repository, other people's videos, and somebody who changes how a question is put."""
        git, editor = folder / "gitconfig", folder / "editor"
        git.write_text(f'[url "file://{self.folder / "code"}"]\n\tinsteadOf = https://github.com/JoeLeelyf/OVO-Bench\n')
        editor.write_text("#!/bin/sh\nsed -i 's/and nothing else/and no more/' \"$1\"\n")
        editor.chmod(0o755)
        return surroundings(
            folder,
            hub,
            wheel,
            GIT_CONFIG_GLOBAL=str(git),
            EDITOR=str(editor),
            NTU=str(self.folder / "ntu"),
            PIP_FIND_LINKS=str(self.folder / "wheels"),
        )


@pytest.fixture
def sets(tmp_path: Path) -> Sets:
    folder = tmp_path / "sets"
    folder.mkdir()
    video = make_clip(folder / "four.mp4", frames=8, fps="2", size=(56, 42)).read_bytes()
    Image.new("RGB", (56, 42), (200, 0, 0)).save(folder / "red.jpg")
    red = (folder / "red.jpg").read_bytes()
    questions = {
        "ovo-bench": published.ovo_bench_repositories(folder / "ovo", folder / "code", video),
        "streamingbench": published.streaming_bench_repository(folder / "streaming", video),
        "longvideobench": published.longvideobench_repository(folder / "long", video),
        "mvbench": published.mvbench_repository(folder / "mv", folder / "ntu", video, red),
        "videomme": published.videomme_repository(folder / "mme", folder / "wheels", video),
    }
    return Sets(folder, questions)


@pytest.fixture
def questions_hub(tmp_path: Path, sets: Sets, tiny_checkpoint: Path) -> Iterator[Hub]:
    """The hub, with both checkpoints."""
    other = make_tiny_checkpoint(tmp_path / "base", seed=5)
    data = {
        "JoeLeelyf/OVO-Bench": "ovo",
        "mjuicem/StreamingBench": "streaming",
        "longvideobench/LongVideoBench": "long",
        "OpenGVLab/MVBench": "mv",
        "lmms-lab/Video-MME": "mme",
    }
    repositories = {f"datasets/{name}": {"main": sets.folder / folder} for name, folder in data.items()}
    weights = {"mit-han-lab/StreamingVLM": {"main": tiny_checkpoint}, "Qwen/Qwen2.5-VL-7B-Instruct": {"main": other}}
    with serve_hub({**repositories, **weights}) as hub:
        yield hub


@pytest.mark.extra
@pytest.mark.timeout(600)
def test_questions_from_an_empty_folder(tmp_path: Path, sets: Sets, questions_hub: Hub, wheel: Path) -> None:
    """Guards archives that are unpacked where nobody looks, videos that nobody finds, and rows that do not compare."""
    install, *_ = blocks(questions=False)
    folder = tmp_path / "empty"
    page = [install, "svlm models pull streamingvlm-7b", *blocks(questions=True)]
    done = run_page(folder, page, sets.surroundings(tmp_path, questions_hub, wheel))
    assert not any(name.startswith("chunked_videos") for name in questions_hub.files_asked()), (
        "three times what is needed"
    )
    for name, count in sets.questions.items():
        for model in MODELS:
            assert answered(read_results(folder / f"{name}/{model}.jsonl")) == dict.fromkeys(Way, count), (name, model)
    for name, ways in (
        ("longvideobench-subtitles", [Way.FULL]),
        ("mvbench-generation", [Way.FULL]),
        ("ovo-bench-published", [Way.FULL]),
    ):
        for model in MODELS:
            count = sets.questions[name.rpartition("-")[0]]
            assert answered(read_results(folder / f"{name}/{model}.jsonl")) == dict.fromkeys(ways, count), name
    everything = read_results(folder / "streamingbench-all.jsonl")
    assert answered(everything) == dict.fromkeys((Way.STREAMING, Way.WINDOW), sets.questions["streamingbench"])
    assert {one.context for one in everything.results.values()} == {"all before"}
    ours, theirs, said = (
        read_results(folder / name / "streamingvlm-7b.jsonl").runs[0].setting
        for name in ("ovo-bench", "ovo-bench-published", "mvbench-generation")
    )
    assert ours.prompts != theirs.prompts
    assert ours.questions == theirs.questions
    assert said.answer == AnswerBy.GENERATION
    assert done.stdout.count("minus qwen2.5-vl-7b, full") == 8, "a paired difference in each report of two models"
    assert "OVO-Bench: 12 s of video to watch" in done.stdout
    assert "LongVideoBench: 1 videos of 4 s" in done.stdout


def answered(file: ResultsFile) -> dict[str, int]:
    """How many questions, by way of looking."""
    return dict(Counter(one.way for one in file.results.values() if not one.failed))
