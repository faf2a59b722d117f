"""Describes the run that makes votes: which texts, which judge, which prompts."""

from pathlib import Path

from svlm_cli.chat.server import openai_version
from svlm_cli.core.version import __version__
from svlm_cli.evals.generation.setting import made_by
from svlm_cli.evals.judge.asking import JudgeForm
from svlm_cli.evals.judge.pairs import Control, Pairs
from svlm_cli.evals.judge.questions import Benchmark, PairOrder
from svlm_cli.evals.judge.votes import VoteRun, VoteSetting
from svlm_cli.jsonl.lines import fingerprint_of


def describe_run(
    benchmark: Benchmark, form: JudgeForm, data: Path, a: Path, b: Path | None, control: Control | None, found: Pairs
) -> VoteRun:
    """The run that compares A with B. A control takes A's place, and A takes B's."""
    first = a if control in (None, Control.SAME) else None
    second = b or a
    setting = VoteSetting(
        benchmark,
        str(control or ""),
        form.judge,
        form.address,
        form.prompts.fingerprint,
        fingerprint_of(data),
        "" if first is None else fingerprint_of(first),
        fingerprint_of(second),
    )
    return VoteRun(
        setting,
        data.name,
        str(control) if first is None else first.name,
        second.name,
        "" if first is None else made_by(first),
        made_by(second),
        len(found.pairs) * len(PairOrder),
        found.left_out,
        __version__,
        openai_version(),
    )
