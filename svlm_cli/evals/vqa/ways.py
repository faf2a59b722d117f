"""How each way of looking looks: what it shows of a video before a question about it, and by which policy.

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

ANSWER_TOKENS: Final = 64  # at most, of what is said
ANSWERING: Final = SamplingPolicy(max_new_tokens=ANSWER_TOKENS, temperature=0.0, repetition_penalty=1.0)
"""The same in all ways, whatever a model's commentary is drawn by: the likeliest token, and no token is penalized for
standing in the context, where a stream has many digits.
"""
_MARKUP: Final = 64  # tokens around a clip and its question, generously


@dataclass(frozen=True, slots=True)
class WaySetting:
    """All that decides how a model looks."""

    way: Way
    policy: StreamPolicy
    frames: int = 0  # of a clip, at most
    seed: int = 0  # of streams

    @classmethod
    def of(cls, way: Way, policy: StreamPolicy, *, frames: int, recent_frames: int, seed: int) -> "WaySetting":
        """`policy` is the model's own, as the user wants it."""
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
        """As files of results have it."""
        return asdict(self)

    def moments(self, start_s: float, end_s: float) -> Moments:
        """Of a clip's frames, in what may be seen."""
        return clip_moments(start_s, end_s, self.frames, recent=self.way is Way.RECENT)


def clip_of(policy: StreamPolicy, frames: int) -> StreamPolicy:
    """Of a clip of so many frames and a question about it."""
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
    """The policy, with room for the longest of these questions, and of a clip for its pixels and the longest answer."""
    policy, prompt = setting.policy, setting.policy.prompt
    longest = max(len(Prompt(tokenizer, policy, family).text_ids(query)) for query in queries)
    policy = replace(policy, prompt=replace(prompt, max_query_tokens=max(prompt.max_query_tokens, longest)))
    if setting.way.streams:
        return policy
    system = len(tokenizer.encode(prompt.system))
    room = visual_tokens(policy, family) + policy.prompt.max_query_tokens + system + _MARKUP + answer_tokens
    return policy.changed(PolicyOverrides(full_tokens=room, max_new_tokens=answer_tokens))
