"""How a checkpoint is streamed. The defaults are those of the published StreamingVLM checkpoint.

Frozen and validated; a value that cannot be raises `UsageError`. Where a policy is written down is
``checkpoints/policy_file.py``'s affair; what it does to a stream is the engine's.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Annotated, Final

from svlm_cli.core.bounds import Within, field_problem, require_usable
from svlm_cli.core.errors import UsageError

_Rounds = Annotated[int, Within(0, 100_000)]  # a day of seconds
_SomeRounds = Annotated[int, Within(1, 100_000)]
_Tokens = Annotated[int, Within(0, 10_000_000)]
_Text = Annotated[str, Within(0, 10_000)]
_MOST_FRAMES = 10_000  # of a round


class Mode(StrEnum):
    """How a stream forgets. All but the first are the paper's comparisons."""

    STREAMING = "streaming"  # evict by the windows, keep positions contiguous, recompute nothing
    FULL = "full"  # keep everything
    WINDOW = "window"  # forget everything every `reset_rounds`
    WINDOW_OVERLAP = "window-overlap"  # the ids of `streaming`, all keys and values recomputed each round
    NATIVE_POSITIONS = "native-positions"  # `streaming`, each token keeping its first position
    RECENT = "recent"  # no memory: each round is read anew, with the context and the newest frames (arXiv 2604.02317)

    @property
    def recomputes(self) -> bool:
        """Whether rounds are read again as long as their pixels stay."""
        return self in (Mode.WINDOW_OVERLAP, Mode.RECENT)


class MarkerRule(StrEnum):
    """Which ids of a round are its words, once the round leaves the text window."""

    POSITIONAL = "positional"  # drop the last len(marker) ids, whatever they are: published checkpoints
    EXACT = "exact"  # drop the marker where it is


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


@dataclass(frozen=True, slots=True)
class VisionPolicy:
    """What the model sees of a second."""

    fps: Annotated[float, Within(0, 100_000, above=True)] = 2.0
    min_pixels: int = 100 * 28 * 28  # of one frame, after resizing
    max_pixels: Annotated[int, Within(1, 100_000_000)] = 768 * 28 * 28

    @property
    def enough_pixels(self) -> int:
        """Of a picture that is reduced before it is resized: twice the width and the height that are looked at."""
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

    vision_rounds: _Rounds = 16  # rounds whose pixels are kept, the current one included; 0 shows none
    vision_tokens: _Tokens = 0  # visual tokens kept, the current round's included, which always stay; 0: no limit
    text_rounds: _SomeRounds = 16  # rounds kept as turns, the current one included
    sink_tokens: _Tokens = 512  # of the previous text, from its start
    window_tokens: _Tokens = 512  # of the previous text, from its end
    reset_rounds: _SomeRounds = 100  # mode `window`: rounds between two resets
    carried_tokens: _Tokens = 512  # mode `window`: the model's own last words that survive a reset
    recent_rounds: Annotated[int, Within(1, 1000)] = 2  # mode `recent`: rounds whose frames are shown, this one's too
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
    """The words around the video."""

    system: _Text = "You are a helpful assistant."
    previous_role: _Text = "previous text"
    query: _Text = "Commentate on this match"
    keep_query: bool = False  # the query in every round instead of the first alone
    clip: bool = False  # a round is a clip and a question, as offline models read them: no previous text, no times
    max_query_tokens: Annotated[int, Within(0, 100_000)] = 256  # room that is set aside for it
    marker: _Text = " ..."  # closes the words of a second; alone, it is silence
    marker_rule: MarkerRule = MarkerRule.POSITIONAL
    context_form: _Text = ""  # a regular expression: every context that the model understands; empty: any, or none
    context_hint: _Text = ""  # a sentence for who gives it another: the form in words, with an example
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
            raise UsageError(f"context_form is no regular expression: {error}.") from error

    def misunderstood(self, context: str, matches: Callable[[str, str], object] = re.fullmatch) -> str:
        """Why the model will not understand a context, and which it does; empty if it will, or nobody can tell.

        `matches` looks for the form: of a stranger's policy, with a limit (``checkpoints/patterns.py``).
        """
        if not self.context_form or matches(self.context_form, context.strip()):
            return ""
        given = "This model does not understand the context." if context.strip() else "This model needs a context."
        return f"{given} {self.context_hint or f'It must match {self.context_form}'}"


@dataclass(frozen=True, slots=True)
class SamplingPolicy:
    """How a token is drawn: repetition penalty, what is never said, then temperature, then top-k."""

    max_new_tokens: Annotated[int, Within(1, 100_000)] = 20  # of one round
    temperature: Annotated[float, Within(0, 1_000_000)] = 0.9  # 0 takes the likeliest token
    top_k: Annotated[int, Within(0, 10_000_000)] = 50  # 0 keeps the whole vocabulary
    repetition_penalty: Annotated[float, Within(0, 1000, above=True)] = 1.05
    suppress_tokens: tuple[str, ...] = ()  # each the text of one token: those are never said

    def __post_init__(self) -> None:
        require_usable(self)
        _require(all(self.suppress_tokens), "suppress_tokens must hold no empty text.")


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """All that decides how a checkpoint is streamed, apart from its weights."""

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
        """Frames of a whole round."""
        return round(self.vision.fps * self.chunk_seconds)

    def of_clips(self) -> "StreamPolicy":
        """Of clips and questions in the layout of offline models, by a model that streams otherwise."""
        return replace(self, mode=Mode.FULL, prompt=replace(self.prompt, clip=True))

    def changed(self, asked: "PolicyOverrides") -> "StreamPolicy":
        """The policy with what was asked for instead."""
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
    """What options and programs set in a model's policy, under the policy's own names. None leaves a value as it is."""

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
