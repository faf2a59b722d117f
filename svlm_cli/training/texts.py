"""Turns a window's words and questions into tokens, in the recipe's layout. Reads no picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from svlm_cli.core.types import Chunk
from svlm_cli.networks.family import Grid
from svlm_cli.training.clips import Clip
from svlm_cli.training.layout import Aside, Layout, Round, WindowTokens
from svlm_cli.training.overlap import previous_ids, second_of, text_of
from svlm_cli.training.published import PublishedRound, asked_in, published_window
from svlm_cli.training.recipe import QueryRule, WindowLayout, WindowRecipe
from svlm_cli.training.records import Record


@dataclass(frozen=True, slots=True)
class WindowTexts:
    """Writes windows as a recipe specifies."""

    layout: Layout
    size: WindowRecipe

    def tokens(self, clip: Clip, shown: Sequence[Chunk], grids: Sequence[Grid], fps: float) -> WindowTokens:
        """The tokens of a window with these chunks and grids. `InputError` if a second has too many words."""
        words = said_by_second(clip.record)
        if self.size.layout is WindowLayout.PUBLISHED:
            return self._published(clip, words, grids, fps)
        record, seconds, layout = clip.record, clip.seconds, self.layout
        said = [layout.words(text) for text in words]
        prompt = layout.prompt
        begins = record.start_s + seconds.start == 0
        rounds = [
            Round(chunk.start_s, chunk.end_s, grid, said[second])
            for second, chunk, grid in zip(seconds, shown, grids, strict=True)
        ]
        return layout.window(
            rounds,
            previous=previous_ids(
                prompt.text_ids(record.previous), said.__getitem__, seconds.start, layout.policy.windows
            ),
            query=prompt.text_ids(record.query) if begins or self.size.query is QueryRule.EVERY else (),
            fps=fps,
            asides=self._asides(clip),
        )

    def _asides(self, clip: Clip) -> list[Aside]:
        """Questions to a fork of the stream, after their second has been seen and commented on."""
        encode, first = self.layout.prompt.text_ids, clip.seconds.start
        asked = [(second_of(one.asked_s, clip.record.start_s), one) for one in clip.record.questions]
        return [
            Aside(second - first, encode(one.question), encode(one.answer))
            for second, one in asked
            if second in clip.seconds
        ]

    def _published(self, clip: Clip, words: Sequence[str], grids: Sequence[Grid], fps: float) -> WindowTokens:
        record, seconds = clip.record, clip.seconds
        starts_s = [record.start_s + second for second in seconds]
        questions = [one for one in record.questions if second_of(one.asked_s, record.start_s) >= seconds.start]
        rounds = [
            PublishedRound(start_s, grid, words[second], *(() if one is None else (one.question, one.answer)))
            for second, start_s, grid, one in zip(seconds, starts_s, grids, asked_in(questions, starts_s), strict=True)
        ]
        previous = record.previous + "".join(words[: seconds.start])
        role = self.layout.policy.prompt.previous_role
        return published_window(self.layout, rounds, previous=self.layout.words(f"{role}\n{previous}"), fps=fps)


def said_by_second(record: Record) -> list[str]:
    """The words in each second of a record."""
    texts: list[list[str]] = [[] for _ in range(math.ceil(record.end_s - record.start_s))]
    for word in record.words:
        texts[second_of(word.end_s, record.start_s)].append(word.text)
    return [*map(text_of, texts)]
