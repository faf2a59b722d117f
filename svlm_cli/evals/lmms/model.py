"""The model that lmms-eval asks: its requests go to an engine of ours, the answers come back in the same order.

Knows lmms-eval's interface. How a video is looked at and how an answer is given, `viewing` and `speaking` know.
"""

import hashlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from loguru import logger
from tqdm import tqdm

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.lmms.arguments import read_arguments
from svlm_cli.evals.lmms.engines import Engines
from svlm_cli.evals.lmms.generation import Generation, read_generation
from svlm_cli.evals.lmms.messages import Asked, PictureShelf, content_of, read_messages, require_there
from svlm_cli.evals.lmms.rounds import Conversation
from svlm_cli.evals.lmms.speaking import Answer, Witness, say, tell_likelihood
from svlm_cli.evals.lmms.viewing import Viewing

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A question, and how its answer is generated."""

    asked: Asked
    generation: Generation
    seed: int


class Svlm(lmms):
    """svlm, as ``--model svlm`` asks for it."""

    is_simple = False

    def __init__(self, **given: Any) -> None:
        """`given` are the model arguments and what lmms-eval adds to them. Raises `UsageError` and `ModelError`."""
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
        """Where counts of requests are gathered, if there are several processes."""
        return self._engines.device

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """An answer to each request. Raises `InputError` for a video that is missing or cannot be read."""
        wishes = []
        for one, repeat in _repeats(requests):
            _, doc_to_messages, settings, doc_id, task, split = one.args
            messages = doc_to_messages(self._doc(task, split, doc_id))
            wishes.append(self._wish(messages, settings, task, split, doc_id, repeat))
        return [GenerationResult(one.text, TokenCounts(output_tokens=one.tokens)) for one in self._said(wishes)]

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[list[str]]:
        """The answers to each request, one a round. Raises as `generate_until`."""
        talks = []
        for one, repeat in _repeats(requests):
            _, doc_to_messages, settings, doc_id, task, split = one.args
            talk = Conversation(self._doc(task, split, doc_id), doc_to_messages)
            talks.append((talk, settings, (task, split, doc_id, repeat)))
        while going := [one for one in talks if one[0].coming is not None]:
            wishes = [self._wish(talk.coming, settings, *place, talk.round) for talk, settings, place in going]
            for (talk, *_), answer in zip(going, self._said(wishes), strict=True):
                talk.hear(answer.text)
        return [talk.said for talk, *_ in talks]

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        """Of each continuation, the sum of its tokens' log probabilities, and whether it is the likeliest throughout.

        Raises as `generate_until`.
        """
        asked, continuations = [], []
        for arguments in (one.args for one in requests):
            if len(arguments) != 6:
                raise UsageError("svlm looks at videos, and this request shows none.", "Leave out acc_mutual_info.")
            context, target, doc_to_visual, doc_id, task, split = arguments
            doc = self._doc(task, split, doc_id)
            shown = [content_of(visual) for visual in doc_to_visual(doc) or ()]
            messages = [{"role": "user", "content": [*shown, {"type": "text", "text": context}]}]
            asked.append(read_messages(messages, self._shelf))
            text = target if isinstance(target, str) else str(target(doc))
            continuations.append(tuple(self._engines.tokenizer.encode(text)))

        def ask(witness: Witness, number: int) -> tuple[float, bool]:
            found = tell_likelihood(witness, asked[number].text, continuations[number])
            return found.log_probability, found.is_likeliest

        return self._each(asked, max(map(len, continuations), default=1), ask)

    def clean(self) -> None:
        """All is answered: a judge may need the memory."""
        self._engines.release()
        super().clean()

    def _doc(self, task: str, split: str, doc_id: int) -> Any:
        return self.task_dict[task][split][doc_id]

    def _wish(self, messages: Any, settings: Any, *place: object) -> _Wish:
        """`place` is no other answer's: its random numbers come from that."""
        generation = read_generation(settings)
        for name in generation.ignored:
            self._tell(f"svlm has no use for {name} in generation_kwargs.")
        text = "/".join(map(str, (self._arguments.seed, *place)))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        return _Wish(read_messages(messages, self._shelf), generation, seed)

    def _said(self, wishes: Sequence[_Wish]) -> list[Answer]:
        def ask(witness: Witness, number: int) -> Answer:
            wish = wishes[number]
            return say(witness, wish.asked.text, wish.generation, wish.seed)

        most = max((one.generation.tokens for one in wishes), default=1)
        return self._each([one.asked for one in wishes], most, ask)

    def _each(self, asked: Sequence[Asked], tokens: int, ask: Callable[[Witness, int], Done]) -> list[Done]:
        """What `ask` makes of each. All that can be refused is, before the first is asked."""
        require_there(asked)
        groups: dict[str | None, list[tuple[int, Asked]]] = defaultdict(list)
        for number, one in enumerate(asked):
            groups[one.system].append((number, one))
        found: dict[int, Done] = {}
        with tqdm(total=len(asked), disable=self.rank != 0, desc="svlm") as bar:
            for system, numbered in groups.items():
                engine = self._engines.engine(system, [one.text for _, one in numbered], max(tokens, 1))
                viewing = Viewing(engine, self._engines.setting, ask, self._tell)
                for number, done in viewing.see(numbered, self._arguments.batch_size):
                    found[number] = done
                    bar.update()
        return [found[number] for number in range(len(asked))]

    def _tell(self, line: str) -> None:
        """Once, and by one process."""
        if line and line not in self._told and self.rank == 0:
            self._told.add(line)
            logger.warning(line)


def _repeats(requests: Sequence[Instance]) -> Iterator[tuple[Instance, int]]:
    """Each request, and how many of the same document were before it: a task may ask for several answers."""
    before: Counter[tuple[str, str, int]] = Counter()
    for one in requests:
        *_, doc_id, task, split = one.args
        yield one, before[task, split, doc_id]
        before[task, split, doc_id] += 1


def _number_of(name: str, otherwise: int) -> int:
    """Of this process among several, as launchers say it."""
    return int(os.environ.get(name, otherwise))
