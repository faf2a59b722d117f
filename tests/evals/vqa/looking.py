"""What tests of the ways of looking share: engines, questions about clips that were made, and who hears the answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.asked import AskedQuestion, WayOutcome, WayRun
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.evals.vqa.clips import ClipAsking
from svlm_cli.evals.vqa.interview import Interview
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.streams import StreamAsking, watches
from svlm_cli.evals.vqa.ways import ANSWER_TOKENS, WaySetting, with_room
from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts
from tests.engine.conftest import Parts, small_policy
from tests.evals.vqa.asked import CHOICE


def question(number: int, end_s: float | None, **other: Any) -> VideoQuestion:
    """With three options, whose words are its own."""
    options = tuple(f"{word} {number}" for word in ("cup", "plate", "pan"))
    return replace(CHOICE, id=str(number), end_s=end_s, text=f"What is it, number {number}?", options=options, **other)


def asked_of(path: Path, *questions: VideoQuestion) -> list[AskedQuestion]:
    """Their video lies there."""
    return [AskedQuestion(one, Footage(path, one.start_s, one.end_s, one.frames_fps)) for one in questions]


def own_interview(by: AnswerBy = AnswerBy.LETTERS) -> Interview:
    """In our words."""
    return Interview(read_vqa_prompts(OWN_PROMPTS)[0], by)


@dataclass(slots=True, eq=False)
class Looked:
    """What came of one way."""

    results: list[VqaResult] = field(default_factory=list)
    errors: list[SvlmError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def by_id(self) -> dict[str, VqaResult]:
        return {one.id: one for one in self.results}


def look(
    parts: Parts,
    way: Way,
    asked: Sequence[AskedQuestion],
    *,
    policy: StreamPolicy | None = None,
    jobs: int = 1,
    frames: int = 64,
    interview: Interview | None = None,
) -> Looked:
    """Ask all in one way."""
    found, heard = interview or own_interview(), Looked()
    setting = WaySetting.of(
        way, policy or small_policy(temperature=0.9, tokens=4), frames=frames, recent_frames=4, seed=1
    )
    queries = [query for one in asked for query in found.queries(one.question, way)]
    roomy = with_room(setting, queries, parts.tokenizer, parts.model.family)
    room = Questions(1, ANSWER_TOKENS) if way.streams else NO_QUESTIONS
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, roomy, max_streams=jobs, questions=room)
    run = WayRun(
        setting,
        found,
        heard.results.append,
        heard.notices.append,
        heard.errors.append,
        lambda done: None,
        WayOutcome(way),
    )
    if way.streams:
        StreamAsking(engine, run).ask(watches(asked), streams=jobs)
    else:
        ClipAsking(engine, run).ask(asked, readers=jobs)
    return heard
