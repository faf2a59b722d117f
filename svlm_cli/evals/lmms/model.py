"""The model class for lmms-eval: passes requests to our engine, and returns the answers in order.

Knows lmms-eval's interface. `viewing` shows videos, `speaking` generates answers.
"""

import hashlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from loguru import logger
from tqdm import tqdm

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.lmms.arguments import read_arguments
from svlm_cli.evals.lmms.engines import Engines
from svlm_cli.evals.lmms.generation import read_generation
from svlm_cli.evals.lmms.messages import Asked, PictureShelf, content_of, read_messages, require_there
from svlm_cli.evals.lmms.rounds import Conversation
from svlm_cli.evals.lmms.speaking import Answer, Likelihood, Witness, say, tell_likelihood
from svlm_cli.evals.lmms.viewing import Viewing

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class _Wish(Generic[Done]):
    """A task for a witness that has seen the video in question."""

    asked: Asked
    tokens: int  # of the answer, at most
    put: Callable[[Witness], Done]


class Svlm(lmms):
    """svlm, selected by ``--model svlm``."""

    is_simple = False

    def __init__(self, **given: Any) -> None:
        """`given` are the model arguments, and additions of lmms-eval. Raises `UsageError` and `ModelError`."""
        super().__init__()
        self._arguments = read_arguments(given)
        self._rank, self._world_size = _number_of("RANK", 0), _number_of("WORLD_SIZE", 1)
        local_rank = _number_of("LOCAL_RANK", 0) if self._world_size > 1 else None
        self._engines = Engines(self._arguments, local_rank=local_rank)
        self._folder = tempfile.TemporaryDirectory(prefix="svlm-", ignore_cleanup_errors=True)
        self._shelf = PictureShelf(Path(self._folder.name))
        self._told: set[str] = set()
        self._tell(self._engines.notice)

    @property
    def device(self) -> torch.device:
        """The device on which request counts are gathered, if there are several processes."""
        return self._engines.device

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """An answer per request. Raises `InputError` for a video that is missing or unreadable."""

        def wishes() -> Iterator[_Wish[Answer]]:
            for one, repeat in _repeats(requests):
                _, doc_to_messages, settings, doc_id, task, split = one.args
                messages = doc_to_messages(self._doc(task, split, doc_id))
                yield self._answer(messages, settings, task, split, doc_id, repeat)

        return [GenerationResult(one.text, TokenCounts(output_tokens=one.tokens)) for one in self._each(wishes())]

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[list[str]]:
        """The answers to each request, one per round. Raises as `generate_until`."""
        talks = []
        for one, repeat in _repeats(requests):
            _, doc_to_messages, settings, doc_id, task, split = one.args
            talk = Conversation(self._doc(task, split, doc_id), doc_to_messages)
            talks.append((talk, settings, (task, split, doc_id, repeat)))
        while going := [one for one in talks if one[0].coming is not None]:
            wishes = (self._answer(talk.coming, settings, *place, talk.round) for talk, settings, place in going)
            for (talk, *_), answer in zip(going, self._each(wishes), strict=True):
                talk.hear(answer.text)
        return [talk.said for talk, *_ in talks]

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        """For each continuation, the sum of its tokens' log probabilities, and whether greedy decoding would give it.

        Raises as `generate_until`.
        """
        found = self._each(self._likelihood(*one.args) for one in requests)
        return [(one.log_probability, one.is_likeliest) for one in found]

    def clean(self) -> None:
        """Free memory after the last request, as a judge may need it."""
        self._engines.release()
        super().clean()

    def _doc(self, task: str, split: str, doc_id: int) -> Any:
        return self.task_dict[task][split][doc_id]

    def _answer(self, messages: Any, settings: Any, *place: object) -> _Wish[Answer]:
        """`place` is unique to the answer, and seeds its random numbers."""
        generation = read_generation(settings)
        for name in generation.ignored:
            self._tell(f"svlm ignores {name} in generation_kwargs.")
        text = "/".join(map(str, (self._arguments.seed, *place)))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        asked = read_messages(messages, self._shelf)
        return _Wish(asked, generation.tokens, lambda witness: say(witness, asked.text, generation, seed))

    def _likelihood(self, context: str, target: Any, *about: Any) -> _Wish[Likelihood]:
        if len(about) != 4:
            raise UsageError("svlm looks at videos, and this request shows none.", "Leave out acc_mutual_info.")
        doc_to_visual, doc_id, task, split = about
        doc = self._doc(task, split, doc_id)
        shown = [content_of(visual) for visual in doc_to_visual(doc) or ()]
        turn = {"role": "user", "content": [*shown, {"type": "text", "text": context}]}
        asked = read_messages([turn], self._shelf)
        ids = tuple(self._engines.tokenizer.encode(target if isinstance(target, str) else str(target(doc))))
        return _Wish(asked, max(len(ids), 1), lambda witness: tell_likelihood(witness, asked.text, ids))

    def _each(self, wishes: Iterable[_Wish[Done]]) -> list[Done]:
        """Run every task. All requests are parsed first, unless their pictures would fill the disk."""
        done: list[Done] = []
        portion: list[_Wish[Done]] = []
        for wish in wishes:
            portion.append(wish)
            if self._shelf.is_full:
                done += self._portion(portion)
                portion.clear()
                self._shelf.clear()
        if portion:
            done += self._portion(portion)
            self._shelf.clear()
        return done

    def _portion(self, wishes: Sequence[_Wish[Done]]) -> list[Done]:
        require_there(one.asked for one in wishes)
        groups: dict[str | None, list[int]] = defaultdict(list)
        for number, one in enumerate(wishes):
            groups[one.asked.system].append(number)
        found: dict[int, Done] = {}
        with tqdm(total=len(wishes), disable=self.rank != 0, desc="svlm") as bar:
            for system, numbers in groups.items():
                for number, done in self._seen(wishes, system, numbers):
                    found[number] = done
                    bar.update()
        return [found[number] for number in range(len(wishes))]

    def _seen(
        self, wishes: Sequence[_Wish[Done]], system: str | None, numbers: Sequence[int]
    ) -> Iterator[tuple[int, Done]]:
        """Keeps no reference to the engine, because the next one may need its memory."""
        asked = [(number, wishes[number].asked) for number in numbers]
        tokens = max(one.tokens for one in wishes)
        engine = self._engines.engine(system, [one.text for _, one in asked], tokens)
        viewing = Viewing(
            engine, self._engines.setting, lambda witness, number: wishes[number].put(witness), self._tell
        )
        return viewing.see(asked, self._arguments.batch_size)

    def _tell(self, line: str) -> None:
        """Print a line once, in one process."""
        if line and line not in self._told and self.rank == 0:
            self._told.add(line)
            logger.warning(line)


def _repeats(requests: Sequence[Instance]) -> Iterator[tuple[Instance, int]]:
    """Each request, with the number of earlier ones about the same document: tasks may ask for several answers."""
    before: Counter[tuple[str, str, int]] = Counter()
    for one in requests:
        *_, doc_id, task, split = one.args
        yield one, before[task, split, doc_id]
        before[task, split, doc_id] += 1


def _number_of(name: str, otherwise: int) -> int:
    """The rank of this process, from the launcher's environment."""
    return int(os.environ.get(name, otherwise))
