"""The ways of looking: what each shows of a video before a question, and its policy.

Knows no video and no engine.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from svlm_cli.core.moments import CLIP_FPS, Moments, clip_moments
from svlm_cli.core.policy import Mode, PolicyOverrides, SamplingPolicy, StreamPolicy
from svlm_cli.engine.footprint import visual_tokens
from svlm_cli.engine.prompt import Prompt
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.networks.family import Family

ANSWER_TOKENS: Final = 64  # of a generated answer, at most
ANSWERING: Final = SamplingPolicy(max_new_tokens=ANSWER_TOKENS, temperature=0.0, repetition_penalty=1.0)
"""The same in all ways, whatever sampling the model uses for commentary: greedy, without repetition penalty, which
would hit tokens in the context, such as a stream's many digits.
"""
_MARKUP: Final = 64  # generous bound of tokens around a clip and its question


@dataclass(frozen=True, slots=True)
class WaySetting:
    """Everything that determines how a model looks."""

    way: Way
    policy: StreamPolicy
    frames: int = 0  # per clip, at most
    seed: int = 0  # for streams

    @classmethod
    def of(cls, way: Way, policy: StreamPolicy, *, frames: int, recent_frames: int, seed: int) -> "WaySetting":
        """`policy` is the model's own, with the user's overrides."""
        match way:
            case Way.STREAMING:
                return cls(way, policy.changed(PolicyOverrides(mode=Mode.STREAMING)), seed=seed)
            case Way.WINDOW:
                return cls(way, policy.changed(PolicyOverrides(mode=Mode.WINDOW)), seed=seed)
            case Way.FULL:
                return cls(way, clip_of(policy, frames), frames)
            case Way.RECENT:
                return cls(way, clip_of(policy, recent_frames), recent_frames)

    def to_json(self) -> dict[str, Any]:
        """As in results files."""
        return asdict(self)

    def moments(self, start_s: float, end_s: float) -> Moments:
        """The times of a clip's frames, within what may be seen."""
        return clip_moments(start_s, end_s, self.frames, recent=self.way is Way.RECENT)


def clip_of(policy: StreamPolicy, frames: int) -> StreamPolicy:
    """The policy for a clip of `frames` and a question about it."""
    clip = replace(policy.of_clips(), chunk_seconds=frames / CLIP_FPS, vision=replace(policy.vision, fps=CLIP_FPS))
    return replace(clip, prompt=replace(clip.prompt, keep_query=False), sampling=ANSWERING)


def with_room(
    setting: WaySetting,
    queries: Sequence[str],
    tokenizer: Tokenizer,
    family: Family,
    *,
    answer_tokens: int = ANSWER_TOKENS,
) -> StreamPolicy:
    """The policy with room for the longest question, and for a clip its pixels and the longest answer."""
    policy, prompt = setting.policy, setting.policy.prompt
    longest = max(len(Prompt(tokenizer, policy, family).text_ids(query)) for query in queries)
    policy = replace(policy, prompt=replace(prompt, max_query_tokens=max(prompt.max_query_tokens, longest)))
    if setting.way.streams:
        return policy
    system = len(tokenizer.encode(prompt.system))
    room = visual_tokens(policy, family) + policy.prompt.max_query_tokens + system + _MARKUP + answer_tokens
    return policy.changed(PolicyOverrides(full_tokens=room, max_new_tokens=answer_tokens))
