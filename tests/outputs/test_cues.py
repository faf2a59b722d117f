"""Cues that people can read, from any speech: rules that always hold, and how well an hour of commentary does."""

import itertools
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Cue, Segment
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.style import CueStyle
from tests.outputs.speech import random_speech, rounds

STYLE = CueStyle()
SPLIT_NAME = re.compile(r"\bNorth\nUnited|\bHarbour\nCity|\b(?:North|Harbour)$")
ARTICLE_AT_END = re.compile(r"\b(?:a|an|the|their)$", re.IGNORECASE | re.MULTILINE)


def cues_of(segments: list[Segment], style: CueStyle = STYLE) -> list[Cue]:
    builder = CueBuilder(style)
    return [cue for segment in segments for cue in builder.add(segment)] + builder.finish()


def lasts(cue: Cue) -> float:
    return cue.end_s - cue.start_s


def test_a_short_commentary() -> None:
    """Golden: the words, where they part and when they stand there."""
    texts = [
        "Okafor wins it back", "and looks up for", "the run of Lindqvist,", "who is free on the left.", "Into the",
        "penalty area now,", "he shoots", "...", "Goal!", "Goal for North", "United!", "", "", "", "One nil.",
    ]  # fmt: skip
    assert cues_of(rounds(texts)) == [
        Cue(0.0, 3.5, "Okafor wins it back and looks up\nfor the run of Lindqvist, who is free"),
        Cue(3.5, 7.917, "on the left.\nInto the penalty area now, he shoots..."),
        Cue(8.0, 11.0, "Goal! Goal for North United!"),
        Cue(14.0, 15.0, "One nil."),
    ]


class TestSentences:
    def test_a_sentence_is_a_cue(self) -> None:
        cues = cues_of(rounds(["The keeper has", "the ball. Now he", "waits."]))
        assert [cue.text for cue in cues] == ["The keeper has the ball.", "Now he waits."]

    def test_one_too_short_to_stand_alone_goes_with_the_next(self) -> None:
        assert [cue.text for cue in cues_of(rounds(["Oh! What a save", "by the keeper."]))] == [
            "Oh! What a save by the keeper."
        ]

    def test_a_stop_within_a_sentence_ends_nothing(self) -> None:
        cues = cues_of(rounds(["This is the best of", "Real vs. Harbour, says Mr.", "Lindqvist of 2.", "division."]))
        assert not any(cue.text.endswith(("vs.", "Mr.")) for cue in cues)


class TestTimes:
    def test_silence_ends_a_cue_and_a_short_pause_does_not(self) -> None:
        assert [cue.text for cue in cues_of(rounds(["the ball", "", "goes wide"]))] == ["the ball goes wide"]
        cues = cues_of(rounds(["the ball", "", "", "goes wide"]))
        assert cues == [Cue(0.0, 1.0, "the ball"), Cue(3.0, 4.0, "goes wide")]

    def test_no_cue_spans_a_gap(self) -> None:
        before, after = rounds(["the ball"])[0], rounds(["goes wide"], start_s=1.2)[0]
        gap = Segment(0, 1, 1.2, 2.2, "goes wide", (1,), 0.1, gap_s=0.2)
        assert [cue.text for cue in cues_of([before, after])] == ["the ball goes wide"]
        assert cues_of([before, gap]) == [Cue(0.0, 1.0, "the ball"), Cue(1.2, 2.2, "goes wide")]

    def test_a_jump_of_the_clock_is_a_gap(self) -> None:
        cues = cues_of([*rounds(["Goal"]), *rounds(["Falcons"], start_s=3600.0)])
        assert [(cue.start_s, cue.text) for cue in cues] == [(0.0, "Goal"), (3600.0, "Falcons")]

    def test_a_short_last_round_is_held_long_enough_to_be_read(self) -> None:
        (cue,) = cues_of([Segment(0, 0, 7.5, 7.54, "Goal for Falcons!", (1,), 0.1)])
        assert cue == Cue(7.5, 8.35, "Goal for Falcons!")  # 17 columns at 20 a second

    def test_dense_speech_drifts_and_comes_back(self) -> None:
        dense = "The keeper intercepts it brilliantly once again."  # 2.4 s to read, said in one
        cues = cues_of(rounds(["Now we", "all wait.", dense, "Then slowly", "they", "walk", "on to", "the end."]))
        assert [(cue.text.split()[0], cue.start_s, cue.end_s) for cue in cues] == [
            ("Now", 0.0, 1.917),
            ("The", 2.0, 4.4),
            ("Then", 4.4, 8.0),
        ]

    def test_small_gaps_are_closed_to_two_frames(self) -> None:
        for before, after in itertools.pairwise(cues_of(random_speech(2.2, 600, seed=2))):
            gap_s = round(after.start_s - before.end_s, 3)
            assert gap_s >= 0.5 or gap_s <= 0.084

    def test_a_clock_that_stands_still_or_steps_back_breaks_nothing(self) -> None:
        segments = [Segment(0, i, 5.0 - i, 5.0 - i, "Goal for Falcons.", (1,), 0.1) for i in range(5)]
        cues = cues_of(segments)
        assert all(cue.start_s < cue.end_s for cue in cues)
        assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(cues))


class TestText:
    def test_lines_are_balanced_and_break_before_the_article(self) -> None:
        (cue,) = cues_of(rounds(["An unmarked striker heads it", "past the keeper for the lead."]))
        assert cue.text == "An unmarked striker heads it\npast the keeper for the lead."

    def test_names_and_numbers_stay_together(self) -> None:
        (cue,) = cues_of(rounds(["a long free kick from North", "United lands in the area"]))
        assert "North United" in cue.text.replace("\n", "|")

    def test_ideographs_count_double(self) -> None:
        (cue,) = cues_of(rounds(["曼联队在比赛的最后时刻", "打进了一个精彩的进球！", ""]), CueStyle(max_line_width=24))
        assert [cell_len(line) for line in cue.text.split("\n")] == [22, 22]

    def test_arrows_and_escapes_never_reach_a_cue(self) -> None:
        (cue,) = cues_of(rounds(["from Okafor --> Lindqvist\n\n\x1b[31mgoal\x1b[0m"]))
        assert cue.text == "from Okafor → Lindqvist goal"

    def test_an_arrow_over_two_rounds(self) -> None:
        assert "-->" not in cues_of(rounds(["he goes well--", "> now"]))[0].text

    def test_one_line_where_only_one_is_wanted(self) -> None:
        cues = cues_of(random_speech(2.8, 120, seed=3), CueStyle(max_lines=1, max_line_width=32))
        assert all("\n" not in cue.text and cell_len(cue.text) <= 32 for cue in cues)


WORDS = st.sampled_from(
    [
        *(
            "the",
            "a",
            "Goal!",
            "Goal.",
            "and",
            "Falcons,",
            "intercepts",
            "曼联进球了！",
            "👨\u200d👩\u200d👧",
            ".",
            "...",
        ),
        *(
            "-->",
            "--",
            ">",
            "\x1b[31m",
            "\n\n",
            "\ud800",
            "\u202e",
            "\u0301",
            "\u00a0",
            "e\u0301" * 30,
            "x" * 60,
            "進" * 50,
        ),
    ]
)
TEXTS = st.one_of(
    st.just(""),
    st.lists(WORDS, max_size=8).map(" ".join),
    st.lists(WORDS, max_size=8).map("".join),
    st.text(max_size=40),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Segment]:
    """Speech of any kind: silence, gaps, rounds of any length, anything for text."""
    clock_s = draw(st.floats(0, 500_000))
    segments = []
    for index in range(draw(st.integers(0, 25))):
        gap_s = draw(st.sampled_from([0.0] * 8 + [0.05, 0.7, 30.0]))
        start_s = clock_s + gap_s
        clock_s = start_s + draw(st.sampled_from([1.0, 1.0, 1.0, 0.5, 0.04, 2.0]))
        reported_s = gap_s * draw(st.integers(0, 1))
        segments.append(Segment(0, index, start_s, clock_s, draw(TEXTS), (1,), 0.1, gap_s=reported_s))
    return segments


STYLES = st.builds(CueStyle, max_line_width=st.sampled_from([2, 7, 20, 42]), max_lines=st.integers(1, 3))


@settings(max_examples=150, deadline=None)
@given(streams(), STYLES)
def test_what_holds_for_every_stream(segments: list[Segment], style: CueStyle) -> None:
    cues = cues_of(segments, style)
    said = [segment for segment in segments if segment.text.strip()]
    for cue in cues:
        lines = cue.text.split("\n")
        assert cue.start_s < cue.end_s
        assert lasts(cue) <= style.max_s + 1e-6
        assert len(lines) <= style.max_lines
        assert all(line.strip() and cell_len(line) <= style.max_line_width for line in lines)
        assert not {unicodedata.category(char) for line in lines for char in line} & {"Cc", "Cs", "Zl", "Zp"}
        assert "-->" not in cue.text
        # something is being said when it comes, and it stays no longer than 1.5 s after the last words
        assert any(segment.start_s - 0.001 <= cue.start_s <= segment.end_s + style.drift_s + 0.001 for segment in said)
        assert any(segment.end_s + style.hold_s + 0.002 >= cue.end_s >= segment.start_s for segment in said)
        for before, after in itertools.pairwise(segments):
            if after.gap_s > 0 and cue.start_s < before.end_s:
                assert cue.end_s <= before.end_s + style.hold_s + 0.002
    for before_cue, after_cue in itertools.pairwise(cues):
        assert before_cue.end_s <= after_cue.start_s


def test_a_cue_lasts_until_its_last_word_has_begun() -> None:
    """Guards the gap before the next cue, where words follow one another faster than that."""
    segments = rounds(["000", "", "進" * 200, "", "", ""])
    first, second = cues_of(segments, CueStyle(max_line_width=7, max_lines=2))[:2]
    assert first.text.startswith("000 進")
    assert segments[2].start_s <= first.end_s <= second.start_s


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["goal", "the", "Okafor", "x."]), max_size=5).map(" ".join), max_size=30))
def test_no_word_is_lost_and_none_comes_before_its_round(texts: list[str]) -> None:
    segments = rounds(
        [" ".join(f"{word[:1]}{second}{word}" for word in text.split()) for second, text in enumerate(texts)]
    )
    cues = cues_of(segments)
    assert [word for cue in cues for word in cue.text.split()] == [
        word for segment in segments for word in segment.text.split()
    ]
    for cue in cues:
        first_word = cue.text.split()[0]
        (spoken_in,) = {segment.start_s for segment in segments if first_word in segment.text.split()}
        assert cue.start_s >= spoken_in


@pytest.mark.parametrize("texts", [["a"], ["a goal and", ""], [" a", *["b"] * 99], ["進"], ["goal", *["."] * 99]])
def test_delay_and_memory_are_bounded(texts: list[str]) -> None:
    """Guards endless streams: no word waits for longer than a cue, a silence and a round or two."""
    builder = CueBuilder(STYLE)
    shown_until_s = 0.0
    for segment in rounds(texts * (300 // len(texts))):
        cues = builder.add(segment)
        shown_until_s = cues[-1].end_s if cues else shown_until_s
        assert segment.end_s - shown_until_s <= STYLE.max_s + STYLE.silence_s + 3.0
        assert len(builder._waiting) < 60


@pytest.mark.parametrize(
    ("words_a_second", "naive_share", "most"), [(2.2, 0.08, 0.015), (2.8, 0.2, 0.03), (3.4, 0.36, 0.08)]
)
def test_an_hour_of_commentary_can_be_read(words_a_second: float, naive_share: float, most: float) -> None:
    """Cues over 20 columns a second, of all; `naive_share` says how hard it is: the same with a cue a second."""
    segments = random_speech(words_a_second, 3600, seed=1)
    spoken = [segment for segment in segments if segment.text]
    assert sum(len(segment.text) > 20 for segment in spoken) / len(spoken) >= naive_share
    started_s = time.process_time()
    cues = cues_of(segments)
    assert time.process_time() - started_s < 20  # an hour; 1 to 2 s on a slow core
    assert sum(len(cue.text) > 20.01 * lasts(cue) for cue in cues) / len(cues) <= most
    assert min(map(lasts, cues)) >= 5 / 6
    assert max(map(lasts, cues)) <= 7
    assert max(len(line) for cue in cues for line in cue.text.split("\n")) <= 42
    assert all(cue.text.count("\n") <= 1 for cue in cues)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(cues))
    assert sum(bool(ARTICLE_AT_END.search(cue.text)) for cue in cues) <= 1
    assert sum(bool(SPLIT_NAME.search(cue.text)) for cue in cues) <= 1
    assert sum(cue.text.count("United") + cue.text.count("City") for cue in cues) > 80, "there are names to split"


@pytest.mark.parametrize(
    "options",
    [{"max_line_width": 1}, {"max_lines": 0}, {"max_cps": 0.0}, {"min_s": 8.0}, {"hold_s": 3.0}, {"gap_s": -1.0}],
)
def test_a_style_that_cannot_be_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        CueStyle(**options)  # type: ignore[arg-type]
