"""How a checkpoint is streamed. The defaults are those of the published StreamingVLM checkpoint.

Frozen and validated; a value that cannot be raises `UsageError`. Where a policy is written down is
``checkpoints/policy_file.py``'s affair; what it does to a stream is the engine's.
"""

import math
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from svlm_cli.core.errors import UsageError


class Mode(StrEnum):
    """How a stream forgets. All but the first are the paper's comparisons."""

    STREAMING = "streaming"  # evict by the windows, keep positions contiguous, recompute nothing
    FULL = "full"  # keep everything
    WINDOW = "window"  # forget everything every `reset_rounds`
    WINDOW_OVERLAP = "window-overlap"  # the ids of `streaming`, all keys and values recomputed each round
    NATIVE_POSITIONS = "native-positions"  # `streaming`, each token keeping its first position


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

    fps: float = 2.0
    min_pixels: int = 100 * 28 * 28  # of one frame, after resizing
    max_pixels: int = 768 * 28 * 28

    @property
    def enough_pixels(self) -> int:
        """Of a picture that is reduced before it is resized: twice the width and the height that are looked at."""
        return 4 * self.max_pixels

    def __post_init__(self) -> None:
        _require(math.isfinite(self.fps) and self.fps > 0, f"fps must be above 0, not {self.fps}.")
        _require(
            0 < self.min_pixels <= self.max_pixels,
            f"min_pixels ({self.min_pixels}) must be above 0 and at most max_pixels ({self.max_pixels}).",
        )


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """What a stream remembers."""

    vision_rounds: int = 16  # rounds whose pixels are kept, the current one included; 0 shows none
    vision_tokens: int = 0  # visual tokens kept, the current round's included, which stay whatever it has; 0: no limit
    text_rounds: int = 16  # rounds kept as turns, the current one included
    sink_tokens: int = 512  # of the previous text, from its start
    window_tokens: int = 512  # of the previous text, from its end
    reset_rounds: int = 100  # mode `window`: rounds between two resets
    carried_tokens: int = 512  # mode `window`: the model's own last words that survive a reset
    full_tokens: int = 32_768  # mode `full`: the capacity of a stream

    def __post_init__(self) -> None:
        for name in ("vision_rounds", "vision_tokens", "sink_tokens", "window_tokens", "carried_tokens"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more, not {getattr(self, name)}.")
        for name in ("text_rounds", "reset_rounds", "full_tokens"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}.")


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

    system: str = "You are a helpful assistant."
    previous_role: str = "previous text"
    query: str = "Commentate on this match"
    keep_query: bool = False  # the query in every round instead of the first alone
    max_query_tokens: int = 256  # room that is set aside for it
    marker: str = " ..."  # closes the words of a second; alone, it is silence
    marker_rule: MarkerRule = MarkerRule.POSITIONAL
    context_form: str = ""  # a regular expression: every context that the model understands; empty: any, or none
    context_hint: str = ""  # a sentence for who gives it another: the form in words, with an example
    markup: Markup = field(default_factory=Markup)

    def __post_init__(self) -> None:
        _require(self.marker.strip() != "", "marker must not be blank.")
        _require(self.previous_role.strip() != "", "previous_role must not be blank.")
        _require(self.max_query_tokens >= 0, f"max_query_tokens must be 0 or more, not {self.max_query_tokens}.")
        try:
            re.compile(self.context_form)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"context_form is no regular expression: {error}.") from error

    def misunderstood(self, context: str) -> str:
        """Why the model will not understand a context, and which it does; empty if it will, or nobody can tell."""
        if not self.context_form or re.fullmatch(self.context_form, context.strip()):
            return ""
        given = "This model does not understand the context." if context.strip() else "This model needs a context."
        return f"{given} {self.context_hint or f'It must match {self.context_form}'}"


@dataclass(frozen=True, slots=True)
class SamplingPolicy:
    """How a token is drawn: repetition penalty, what is never said, then temperature, then top-k."""

    max_new_tokens: int = 20  # of one round
    temperature: float = 0.9  # 0 takes the likeliest token
    top_k: int = 50  # 0 keeps the whole vocabulary
    repetition_penalty: float = 1.05
    suppress_tokens: tuple[str, ...] = ()  # each the text of one token: those are never said

    def __post_init__(self) -> None:
        _require(self.max_new_tokens >= 1, f"max_new_tokens must be 1 or more, not {self.max_new_tokens}.")
        _require(
            math.isfinite(self.temperature) and self.temperature >= 0,
            f"temperature must be 0 or more, not {self.temperature}.",
        )
        _require(self.top_k >= 0, f"top_k must be 0 or more, not {self.top_k}.")
        _require(
            math.isfinite(self.repetition_penalty) and self.repetition_penalty > 0,
            f"repetition_penalty must be above 0, not {self.repetition_penalty}.",
        )
        _require(all(self.suppress_tokens), "suppress_tokens must hold no empty text.")


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """All that decides how a checkpoint is streamed, apart from its weights."""

    chunk_seconds: float = 1.0
    mode: Mode = Mode.STREAMING
    vision: VisionPolicy = field(default_factory=VisionPolicy)
    windows: WindowPolicy = field(default_factory=WindowPolicy)
    prompt: PromptPolicy = field(default_factory=PromptPolicy)
    sampling: SamplingPolicy = field(default_factory=SamplingPolicy)

    def __post_init__(self) -> None:
        _require(
            math.isfinite(self.chunk_seconds) and self.chunk_seconds > 0,
            f"chunk_seconds must be above 0, not {self.chunk_seconds}.",
        )
        frames = self.vision.fps * self.chunk_seconds
        _require(
            round(frames) >= 1 and abs(frames - round(frames)) < 1e-6,
            f"A round of {self.chunk_seconds:g} s at {self.vision.fps:g} fps has {frames:g} frames: "
            "choose fps so that this is a whole number, 1 or more.",
        )

    @property
    def frames_per_chunk(self) -> int:
        """Frames of a whole round."""
        return round(self.vision.fps * self.chunk_seconds)

    def changed(
        self,
        *,
        mode: Mode | None = None,
        fps: float | None = None,
        keep_query: bool | None = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
        vision_rounds: int | None = None,
        vision_tokens: int | None = None,
        sink_tokens: int | None = None,
        window_tokens: int | None = None,
        full_tokens: int | None = None,
    ) -> "StreamPolicy":
        """The policy with what was asked for instead; None leaves a value as it is."""
        sampling, windows = self.sampling, self.windows
        return replace(
            self,
            mode=self.mode if mode is None else mode,
            vision=self.vision if fps is None else replace(self.vision, fps=fps),
            windows=replace(
                windows,
                vision_rounds=windows.vision_rounds if vision_rounds is None else vision_rounds,
                vision_tokens=windows.vision_tokens if vision_tokens is None else vision_tokens,
                sink_tokens=windows.sink_tokens if sink_tokens is None else sink_tokens,
                window_tokens=windows.window_tokens if window_tokens is None else window_tokens,
                full_tokens=windows.full_tokens if full_tokens is None else full_tokens,
            ),
            prompt=self.prompt if keep_query is None else replace(self.prompt, keep_query=keep_query),
            sampling=replace(
                sampling,
                temperature=sampling.temperature if temperature is None else temperature,
                max_new_tokens=sampling.max_new_tokens if max_new_tokens is None else max_new_tokens,
            ),
        )
