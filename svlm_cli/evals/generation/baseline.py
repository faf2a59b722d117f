"""A baseline without video input: a chat completions model, with one request per clip, some pictures and its context.

Its answer is its commentary on the clip; an answer that is empty, cut off or refused is none, and is reported. Knows no
prediction file.
"""

import base64
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from svlm_cli.chat.asking import AskedChat, Asker, Patience, UnansweredError
from svlm_cli.chat.crowd import Silence, at_once
from svlm_cli.chat.prompts import ChatPrompts, read_prompts
from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.chat.server import ChatRole, ChatServer
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text, says_something
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.pictures import Sampling, sample_pictures
from svlm_cli.evals.generation.predictions import Predictions
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.evals.prompt_files import prompts_file
from svlm_cli.jsonl.lines import fingerprint_of

BASELINE: Final = ChatRole(
    "The model's server", "A model elsewhere is asked", "--model", most_characters=32_000
)  # four times the judged length
TEMPERATURE: Final = 0.7
_UNKNOWN: Final = "not known"


@dataclass(frozen=True, slots=True)
class BaselinePrompts(ChatPrompts):
    """The prompts that accompany the pictures."""

    placeholders: ClassVar[tuple[str, ...]] = ("title", "context", "seconds", "pictures", "every")


class ClipOutcome(StrEnum):
    """The outcome of a clip."""

    SPOKEN = "spoken"
    EMPTY = "empty"  # an answer without words
    REFUSED = "refused"  # by the model, or by a filter behind it
    UNANSWERED = "unanswered"  # or cut off, in every attempt
    UNREADABLE = "unreadable"  # its pictures cannot be read


@dataclass(frozen=True, slots=True)
class ClipComment:
    """The words about a clip, on one line; or why there are none, a sentence without its end."""

    stretch: VideoStretch
    outcome: ClipOutcome
    said: str
    reply: ChatReply = field(default_factory=lambda: ChatReply(""))
    cached: bool = False


@dataclass(frozen=True, slots=True)
class PicturedClip:
    """A clip as shown to the model."""

    stretch: VideoStretch
    pictures: tuple[bytes, ...]


BaselineAsker = Asker[PicturedClip]


@dataclass(frozen=True, slots=True)
class BaselineForm:
    """A model, its prompts, and how clips are shown to it."""

    address: str
    model: str
    prompts: BaselinePrompts
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None

    @classmethod
    def of(cls, base_url: str, model: str, prompts: Path | None, fps: float | None, seed: int | None) -> "BaselineForm":
        """None stands for what is usual. `UsageError` for prompts that cannot be."""
        words, _ = read_prompts(BaselinePrompts, prompts or prompts_file("baseline"))
        sampling = Sampling() if fps is None else Sampling(fps=fps)
        return cls(base_url.rstrip("/"), model, words, sampling, seed)

    def asked(self, clip: PicturedClip, temperature: float | None) -> AskedChat:
        """A request to it."""
        return AskedChat(
            server=self.address,
            model=self.model,
            messages=self._messages(clip),
            seed=self.seed,
            temperature=temperature,
        )

    def setting(self, benchmark: str, annotations: Path, temperature: float) -> dict[str, Any]:
        """Everything that determines what is said, and about what."""
        return {
            "benchmark": benchmark,
            "backend": "openai",
            "chat_model": self.model,
            "server": self.address,
            "prompts": self.prompts.fingerprint,
            "sampling": asdict(self.sampling),
            "temperature": temperature,
            "seed": self.seed,
            "annotations": fingerprint_of(annotations),
        }

    def _messages(self, clip: PicturedClip) -> list[Message]:
        stretch = clip.stretch
        length_s = stretch.end_s - stretch.start_s
        *system, user = self.prompts.messages(
            {
                "title": stretch.title.strip() or _UNKNOWN,
                "context": stretch.context.strip() or _UNKNOWN,
                "seconds": f"{length_s:g}",
                "pictures": str(len(clip.pictures)),
                "every": f"{length_s / len(clip.pictures):.2g}",
            }
        )
        parts = [{"type": "text", "text": user["content"]}, *map(_picture_part, clip.pictures)]
        return [*system, {"role": "user", "content": parts}]


def _picture_part(jpeg: bytes) -> dict[str, Any]:
    url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def baseline_asker(
    server: ChatServer, form: BaselineForm, cache: ReplyCache, *, temperature: float, patience: Patience
) -> BaselineAsker:
    """An asker for comments. Invalid answers are not cached, so the next run asks again."""
    return BaselineAsker(
        server, form.asked, cache, temperature=temperature, seed=form.seed, patience=patience, is_kept=_is_commentary
    )


def _is_commentary(reply: ChatReply) -> bool:
    return not reply.refused and says_something(reply.text)


def comments(
    stretches: Sequence[VideoStretch], asker: BaselineAsker, sampling: Sampling, *, jobs: int
) -> Generator[ClipComment, None, None]:
    """A comment on each clip, as they arrive, with `jobs` concurrent requests.

    Raises what ends the run: `ModelError` if the server is unusable, or has not answered ten requests in a row.
    """
    silence = Silence(BASELINE.name, "predictions and answers")
    work = partial(comment_on, asker=asker, sampling=sampling)
    with closing(at_once(stretches, work, jobs=jobs, stop=asker.stop)) as found:
        for one in found:
            yield one
            if one.outcome is not ClipOutcome.UNREADABLE:
                silence.note(one.said if one.outcome is ClipOutcome.UNANSWERED else "")


def comment_on(stretch: VideoStretch, asker: BaselineAsker, sampling: Sampling) -> ClipComment:
    """Comment on one clip."""
    try:
        pictures = sample_pictures(stretch.path, stretch.start_s, stretch.end_s, sampling)
        answered = asker.ask(PicturedClip(stretch, pictures))
    except InputError as error:
        return ClipComment(stretch, ClipOutcome.UNREADABLE, str(error).rstrip("."))
    except UnansweredError as error:
        return ClipComment(stretch, ClipOutcome.UNANSWERED, str(error))
    reply = answered.reply
    if _is_commentary(reply):
        said = " ".join(plain_text(reply.text).split())
        return ClipComment(stretch, ClipOutcome.SPOKEN, said, reply, answered.cached)
    outcome = ClipOutcome.REFUSED if reply.refused else ClipOutcome.EMPTY
    why = "it refuses to answer" if reply.refused else "its answer is empty"
    return ClipComment(stretch, outcome, why, reply, answered.cached)


def write_comment(one: ClipComment, predictions: Predictions) -> None:
    """Write a comment as one round that lasts as long as the clip. Raises `OutputError`."""
    stretch = one.stretch
    prediction = predictions.begin(stretch)
    prediction.add(SaidRound(stretch.start_s, stretch.end_s, one.said, ()))
    prediction.finish(stretch.end_s)


@dataclass(slots=True)
class BaselineSpent:
    """Counts of a run, and its cost."""

    outcomes: dict[ClipOutcome, int] = field(default_factory=lambda: dict.fromkeys(ClipOutcome, 0))
    cached: int = 0
    tokens_in: int = 0  # of this run's own requests, including failed ones
    tokens_out: int = 0

    def note(self, one: ClipComment) -> None:
        """Count a clip."""
        self.outcomes[one.outcome] += 1
        self.cached += one.cached
        if not one.cached:
            self.tokens_in += one.reply.tokens_in
            self.tokens_out += one.reply.tokens_out

    def note_lost(self, asker: BaselineAsker) -> None:
        """Count the tokens of answers that were cut off."""
        self.tokens_in += asker.lost_in
        self.tokens_out += asker.lost_out

    @property
    def failed(self) -> int:
        """The number of clips without a commentary."""
        return sum(count for outcome, count in self.outcomes.items() if outcome is not ClipOutcome.SPOKEN)

    def sentence(self) -> str:
        """For people."""
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items() if count)
        return f"{counts or 'none to do'}; {self.cached} came from disk."

    def to_json(self) -> dict[str, int]:
        """For programs: how many came out how."""
        return {str(outcome): count for outcome, count in self.outcomes.items()}
