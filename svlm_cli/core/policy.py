"""How a checkpoint is streamed. The defaults are those of the published StreamingVLM checkpoint.

Frozen and validated; an invalid value raises `UsageError`. ``checkpoints/policy_file.py`` reads and writes policies,
the engine applies them.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Annotated, Final

from svlm_cli.core.bounds import Within, field_problem, require_usable
from svlm_cli.core.errors import UsageError

_Rounds = Annotated[int, Within(0, 100_000)]  # a day of rounds of one second
_SomeRounds = Annotated[int, Within(1, 100_000)]
_Tokens = Annotated[int, Within(0, 10_000_000)]
_Text = Annotated[str, Within(0, 10_000)]
_MOST_FRAMES = 10_000  # per round


class Mode(StrEnum):
    """How a stream forgets. All but the first are baselines of the paper."""

    STREAMING = "streaming"  # evict by the windows, keep positions contiguous, never recompute
    FULL = "full"  # keep everything
    WINDOW = "window"  # forget everything every `reset_rounds`
    WINDOW_OVERLAP = "window-overlap"  # the ids of `streaming`, all keys and values recomputed each round
    NATIVE_POSITIONS = "native-positions"  # as `streaming`, but each token keeps its first position
    RECENT = "recent"  # no memory: each round reads the context and the newest frames anew (arXiv 2604.02317)

    @property
    def recomputes(self) -> bool:
        """Whether earlier rounds are prefilled again as long as their pixels stay."""
        return self in (Mode.WINDOW_OVERLAP, Mode.RECENT)


class MarkerRule(StrEnum):
    """Which ids of a round count as its words once it leaves the text window."""

    POSITIONAL = "positional"  # drop the last len(marker) ids, whatever they are, as published checkpoints expect
    EXACT = "exact"  # drop the marker only if it is there


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class VisionPolicy:
    """What the model sees of each second."""

    fps: Annotated[float, Within(0, 100_000, above=True)] = 2.0
    min_pixels: int = 100 * 28 * 28  # per frame, after resizing
    max_pixels: Annotated[int, Within(1, 100_000_000)] = 768 * 28 * 28
    # Width / height of every picture, with bars if it has another shape; each gets max_pixels. 0: as it is.
    aspect: Annotated[float, Within(0, 10)] = 0.0

    @property
    def enough_pixels(self) -> int:
        """Pixels to which large pictures are reduced before resizing: twice the width and height that are used."""
        return 4 * self.max_pixels

    def __post_init__(self) -> None:
        require_usable(self)
        _require(
            0 < self.min_pixels <= self.max_pixels,
            f"min_pixels ({self.min_pixels}) must be above 0 and at most max_pixels ({self.max_pixels}).",
        )


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """What a stream remembers."""

    vision_rounds: _Rounds = 16  # rounds whose pixels are kept, including the current one; 0 shows no pixels
    vision_tokens: _Tokens = 0  # visual tokens kept, including the current round's, which always stay; 0: no limit
    text_rounds: _SomeRounds = 16  # rounds kept as turns, including the current one
    sink_tokens: _Tokens = 512  # of the previous text, from its start
    window_tokens: _Tokens = 512  # of the previous text, from its end
    reset_rounds: _SomeRounds = 100  # mode `window`: rounds from one reset to the next
    carried_tokens: _Tokens = 512  # mode `window`: the model's last words, carried over a reset
    recent_rounds: Annotated[int, Within(1, 1000)] = 2  # mode `recent`: rounds whose frames are shown, with this one
    full_tokens: Annotated[int, Within(1, 10_000_000)] = 32_768  # mode `full`: the capacity of a stream

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class Markup:
    """The special tokens of a conversation, by name: ids come from the checkpoint's tokenizer."""

    turn_start: str = "<|im_start|>"
    turn_end: str = "<|im_end|>"
    vision_start: str = "<|vision_start|>"
    vision_end: str = "<|vision_end|>"
    video_pad: str = "<|video_pad|>"


@dataclass(frozen=True, slots=True)
class PromptPolicy:
    """The text around the video."""

    system: _Text = "You are a helpful assistant."
    previous_role: _Text = "previous text"
    query: _Text = "Commentate on this match"
    keep_query: bool = False  # the query in every round instead of only the first
    clip: bool = False  # a round is a clip and a question in the format of offline models: no previous text, no times
    max_query_tokens: Annotated[int, Within(0, 100_000)] = 256  # room reserved for it
    marker: _Text = " ..."  # ends the words of a second; alone, it means silence
    marker_rule: MarkerRule = MarkerRule.POSITIONAL
    context_form: _Text = ""  # a regular expression for the contexts that the model understands; empty: any, or unknown
    context_hint: _Text = ""  # a sentence for users whose context does not match: the format, with an example
    markup: Markup = field(default_factory=Markup)

    def __post_init__(self) -> None:
        require_usable(self)
        _require(self.marker.strip() != "", "marker must not be blank.")
        _require(self.previous_role.strip() != "", "previous_role must not be blank.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                re.compile(self.context_form)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise UsageError(f"context_form is not a regular expression: {error}.") from error

    def misunderstood(self, context: str, matches: Callable[[str, str], object] = re.fullmatch) -> str:
        """Why the model would not understand a context, and what it expects; empty if it would, or that is unknown.

        `matches` applies the pattern; for untrusted policies with a time limit (``checkpoints/patterns.py``).
        """
        if not self.context_form or matches(self.context_form, context.strip()):
            return ""
        given = "This model does not understand the context." if context.strip() else "This model needs a context."
        return f"{given} {self.context_hint or f'It must match {self.context_form}'}"


@dataclass(frozen=True, slots=True)
class SamplingPolicy:
    """How a token is sampled: repetition penalty, suppressed tokens, then temperature, then top-k."""

    max_new_tokens: Annotated[int, Within(1, 100_000)] = 20  # per round
    temperature: Annotated[float, Within(0, 1_000_000)] = 0.9  # 0 is greedy
    top_k: Annotated[int, Within(0, 10_000_000)] = 50  # 0 keeps the whole vocabulary
    repetition_penalty: Annotated[float, Within(0, 1000, above=True)] = 1.05
    suppress_tokens: tuple[str, ...] = ()  # texts of one token each, which are never generated

    def __post_init__(self) -> None:
        require_usable(self)
        _require(all(self.suppress_tokens), "suppress_tokens must not contain an empty text.")


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """Everything that decides how a checkpoint is streamed, apart from its weights."""

    chunk_seconds: Annotated[float, Within(0, 3600, above=True)] = 1.0
    mode: Mode = Mode.STREAMING
    vision: VisionPolicy = field(default_factory=VisionPolicy)
    windows: WindowPolicy = field(default_factory=WindowPolicy)
    prompt: PromptPolicy = field(default_factory=PromptPolicy)
    sampling: SamplingPolicy = field(default_factory=SamplingPolicy)

    def __post_init__(self) -> None:
        require_usable(self)
        frames = self.vision.fps * self.chunk_seconds
        _require(
            round(frames) >= 1 and abs(frames - round(frames)) < 1e-6,
            f"A round of {self.chunk_seconds:g} s at {self.vision.fps:g} fps has {frames:g} frames: "
            "choose fps so that this is a whole number, 1 or more.",
        )
        _require(frames <= _MOST_FRAMES, f"A round has {frames:g} frames: {_MOST_FRAMES} are the most.")

    @property
    def frames_per_chunk(self) -> int:
        """Frames of a complete round."""
        return round(self.vision.fps * self.chunk_seconds)

    def of_clips(self) -> "StreamPolicy":
        """The policy for clips and questions in the format of offline models, for a model that otherwise streams."""
        return replace(self, mode=Mode.FULL, prompt=replace(self.prompt, clip=True))

    def changed(self, asked: "PolicyOverrides") -> "StreamPolicy":
        """The policy with the values in `asked` replaced."""
        given = {key: value for key, value in asdict(asked).items() if value is not None}
        if not given:
            return self
        parts = {part: getattr(self, part) for part in _PARTS}
        changed = {
            part: replace(own, **{one.name: given[one.name] for one in fields(own) if one.name in given})
            for part, own in parts.items()
        }
        return replace(self, mode=given.get("mode", self.mode), **changed)


_PARTS: Final = {
    "vision": VisionPolicy,
    "windows": WindowPolicy,
    "prompt": PromptPolicy,
    "sampling": SamplingPolicy,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOverrides:
    """Values of a model's policy that options or programs override. None keeps the policy's value."""

    mode: Mode | None = None
    fps: float | None = None
    max_pixels: int | None = None
    keep_query: bool | None = None
    temperature: float | None = None
    max_new_tokens: int | None = None
    vision_rounds: int | None = None
    vision_tokens: int | None = None
    sink_tokens: int | None = None
    window_tokens: int | None = None
    full_tokens: int | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            problems = (field_problem(kind, one.name, value) for kind in _PARTS.values() if value is not None)
            if problem := next(filter(None, problems), ""):
                raise UsageError(f"{one.name} must {problem}.")
