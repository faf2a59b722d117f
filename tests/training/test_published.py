"""The published layout: ids and learned tokens, by hand with those of Qwen, and against its loader, naively."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from svlm_cli.core.policy import StreamPolicy, VisionPolicy, WindowPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.networks.weights import load_family
from svlm_cli.training.clips import Clip
from svlm_cli.training.layout import Layout, Role, WindowTokens
from svlm_cli.training.published import cut_published
from svlm_cli.training.recipe import WindowLayout, WindowRecipe
from svlm_cli.training.records import Record, parse_record
from svlm_cli.training.texts import WindowTexts
from tests.engine.traces import FOLDER
from tests.qwen_ids import QWEN, qwen_tokenizer
from tests.training.test_records import messages

GRID = (1, 2, 1)
START, END, NEWLINE, PAD = 151644, 151645, 198, 151656
SYSTEM = [START, 8948, NEWLINE, 2610, 525, 264, 10950, 17847, 13, END, NEWLINE]
SHOWN = [151652, PAD, PAD, 151653, END, NEWLINE]
BREAKS = 271  # two line breaks: the one behind "assistant", and the published one


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tokens of these tests, and their ids in Qwen's vocabulary."""
    return qwen_tokenizer(tmp_path_factory.mktemp("qwen"))


def _layout(tokenizer: Path, checkpoint: Path, sink: int = 512, window: int = 512) -> Layout:
    windows = WindowPolicy(sink_tokens=sink, window_tokens=window)
    policy = StreamPolicy(vision=VisionPolicy(min_pixels=784, max_pixels=1568), windows=windows)
    return Layout(tokenizer, policy, load_family(checkpoint))


def _record(
    words: Sequence[tuple[float, str]],
    previous: str,
    questions: Sequence[tuple[float, str, str]] = (),
    start_s: float = 0.0,
    seconds: float = 2.0,
) -> Record:
    row = messages()
    row[0]["content"][0] |= {"video_start": start_s, "video_end": start_s + seconds}
    row[0]["content"][1] |= {"previous": previous, "title": "Reds against blues", "category": "Sport"}
    row[1]["content"][0] |= {
        "text_stream": [[end_s - 0.1, end_s, word] for end_s, word in words],
        "qa_stream": [[asked_s - 0.5, asked_s, question, answer] for asked_s, question, answer in questions],
    }
    return parse_record(json.dumps(row).encode(), "here", Path())


def _written(layout: Layout, record: Record, seconds: range | None = None) -> WindowTokens:
    seconds = seconds or range(round(record.end_s - record.start_s))
    picture = np.zeros((56, 28, 3), np.uint8)
    shown = [Chunk((picture,), record.start_s + second, record.start_s + second + 1) for second in seconds]
    texts = WindowTexts(layout, WindowRecipe(layout=WindowLayout.PUBLISHED))
    return texts.tokens(Clip(record, seconds, len(record.words)), shown, [GRID] * len(shown), 2.0)


def _learned(window: WindowTokens) -> list[int]:
    assert window.targets.tolist() == window.ids.tolist()
    learned: list[int] = window.ids[window.roles != Role.NONE].tolist()
    return learned


def _time(start: str, end: str) -> list[int]:
    return [QWEN[piece] for piece in ("Time", "=", *start, "-", *end, "s")]


def test_a_row_with_previous_and_silence_in_ids_of_qwen(qwen: Path, tiny_checkpoint: Path) -> None:
    """Guards every id of two turns: no blank behind the first time, one behind the second, both breaks one token."""
    window = _written(_layout(qwen, tiny_checkpoint), _record([(0.5, "Goal"), (1.0, " for")], "They win"))
    expected = [
        *SYSTEM,
        *[START, 19702, 1467, NEWLINE, 6865, 3164, END, NEWLINE],
        *[START, 872, NEWLINE, *_time("0.0", "1.0"), *SHOWN],
        *[START, 77091, BREAKS, 39947, 369, 2503, END, NEWLINE],
        *[START, 872, NEWLINE, *_time("1.0", "2.0"), 220, *SHOWN],
        *[START, 77091, BREAKS, 2503, END, NEWLINE],
    ]
    assert window.ids.tolist() == expected
    assert _learned(window) == [39947, 369, 2503, END, 2503, END]
    assert window.roles[window.roles != Role.NONE].tolist() == [
        *[Role.FIRST, Role.WORD, Role.END, Role.END],
        *[Role.SILENCE, Role.END],
    ]
    assert window.pads.tolist() == [at for at, token in enumerate(expected) if token == PAD]


def test_a_row_without_previous_of_one_second(qwen: Path, tiny_checkpoint: Path) -> None:
    """Guards the empty turn of the previous text, which stays, and the query and title, which are not shown."""
    window = _written(_layout(qwen, tiny_checkpoint), _record([(13.0, "Goal")], "", start_s=12.0, seconds=1.0))
    assert window.ids.tolist() == [
        *SYSTEM,
        *[START, 19702, 1467, NEWLINE, END, NEWLINE],
        *[START, 872, NEWLINE, *_time("12.0", "13.0"), *SHOWN],
        *[START, 77091, BREAKS, 39947, 2503, END, NEWLINE],
    ]
    assert _learned(window) == [39947, 2503, END]


def test_questions_stand_in_the_turn_of_their_second(qwen: Path, tiny_checkpoint: Path) -> None:
    """Guards the place of a question, right behind the time, and of its answer, which is learned before the words."""
    asked = [(1.0, "Who has it?", "The home side."), (2.0, "Who scored?", "The away side.")]
    record = _record([(1.5, "Goal")], "", asked)
    window = _written(_layout(qwen, tiny_checkpoint), record)
    assert window.ids.tolist()[17:] == [
        # "sWho" is a piece of its own: the loader writes no blank in the first turn
        *[START, 872, NEWLINE, *_time("0.0", "1.0")[:-1], QWEN["sWho"], 702, 432, 30, *SHOWN],
        *[START, 77091, NEWLINE, 785, 2114, 3108, 624, 2503, END, NEWLINE],
        *[START, 872, NEWLINE, *_time("1.0", "2.0"), 10479, 16548, 30, *SHOWN],
        *[START, 77091, NEWLINE, 785, 3123, 3108, 624, 39947, 2503, END, NEWLINE],
    ]
    assert _learned(window) == [785, 2114, 3108, 624, 2503, END, 785, 3123, 3108, 624, 39947, 2503, END]
    roles = window.roles[window.roles != Role.NONE].tolist()
    assert roles == [*[Role.ANSWER] * 4, Role.SILENCE, Role.END, *[Role.ANSWER] * 4, Role.FIRST, Role.END, Role.END]


def test_the_loader_puts_one_question_a_second(tiny_checkpoint: Path) -> None:
    """Guards what is told of it: behind the second question of a second none is put any more."""
    layout = _layout(tiny_checkpoint, tiny_checkpoint)
    asked = [(0.5, "one", "yes"), (0.9, "two", "yes"), (1.5, "three", "yes")]
    text = _text(tiny_checkpoint, _written(layout, _record([(0.5, "Goal")], "", asked)))
    assert [question in text for question in ("one", "two", "three")] == [True, False, False]


@pytest.mark.parametrize(("sink", "window"), [(512, 512), (9, 7), (12, 0), (0, 12), (0, 0)])
@pytest.mark.parametrize("seconds", [1, 24])
@pytest.mark.parametrize(
    "previous", ["", "The ball comes in from the left wing, and he shoots wide. \n\nOh! " * 4, " a"]
)
def test_it_is_what_the_loader_makes(
    tiny_checkpoint: Path, sink: int, window: int, seconds: int, previous: str
) -> None:
    """Guards all of it over long rows, with a naive loader: a text, encoded with its control tokens, cut, labelled."""
    spoken = enumerate("They shoot and it goes wide . no goal".split() * 9)
    ends = [(0.1 + 0.4 * index, word) for index, word in spoken]
    questions = [(second + 0.5, "Who has the ball?", " The reds") for second in range(0, seconds, 5)]
    words = [(round(5 + end_s, 3), word) for end_s, word in ends if end_s <= seconds]
    asked = [(5 + second, question, answer) for second, question, answer in questions]
    record = _record(words, previous, asked, start_s=5.0, seconds=float(seconds))
    layout = _layout(tiny_checkpoint, tiny_checkpoint, sink, window)
    found = _written(layout, record)
    ids, learned = _loaded(tiny_checkpoint, record, previous, seconds, sink, window)
    assert found.ids.tolist() == ids
    assert np.flatnonzero(found.roles).tolist() == learned


@pytest.mark.parametrize(
    ("length", "sink", "window", "gone"),
    [(15, 9, 7, []), (16, 9, 7, []), (17, 9, 7, [9]), (20, 9, 7, [9, 10, 11, 12]), (3, 2, 0, [2]), (3, 0, 2, [0])],
)
def test_the_previous_text_is_cut_by_length(length: int, sink: int, window: int, gone: list[int]) -> None:
    """Guards the edges of the cut, which short texts do not reach."""
    kept = cut_published(tuple(range(length)), WindowPolicy(sink_tokens=sink, window_tokens=window))
    assert [token for token in range(length) if token not in kept] == gone


def test_positions_are_those_of_the_ids_alone(tiny_checkpoint: Path) -> None:
    """Guards against positions of another layout: text counts on, and a block of two rows takes two places."""
    window = _written(_layout(tiny_checkpoint, tiny_checkpoint), _record([(0.5, "Goal")], "a", seconds=1.0))
    pad = int(window.pads[0])
    assert window.positions[:pad, 0].tolist() == list(range(pad))
    assert window.positions[pad : pad + 2].tolist() == [[pad, pad, pad], [pad, pad + 1, pad]]
    assert window.positions[pad + 2 :, 2].tolist() == [pad + 2 + index for index in range(len(window) - pad - 2)]


def test_what_a_window_says_before_it_is_previous(tiny_checkpoint: Path) -> None:
    """Guards rows that are cut: the words of the seconds before stand in front, as in a row of their own."""
    record = _record([(0.5, "Goal"), (1.5, "wide")], "a")
    text = _text(tiny_checkpoint, _written(_layout(tiny_checkpoint, tiny_checkpoint), record, range(1, 2)))
    assert "previous text\na Goal<|im_end|>\n" in text
    assert "<|im_start|>user\nTime=1.0-2.0s<|vision_start|>" in text, "it begins a window"


def test_ids_by_hand_are_those_that_were_recorded() -> None:
    """Guards the ids above against our own mistakes: a context of the published loop has the same markup."""
    with np.load(FOLDER / "paper-mid.npz") as recorded:
        context = recorded["context_ids"][: recorded["context_len"][0]].tolist()
    assert context[: len(SYSTEM) + 4] == [*SYSTEM, START, 19702, 1467, NEWLINE]
    turn = context.index(872) - 1
    assert context[turn : turn + 14] == [START, 872, NEWLINE, *_time("0.0", "1.0"), 151652]
    assert context[-3:] == [START, 77091, NEWLINE]


def _text(folder: Path, window: WindowTokens) -> str:
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text: str = tokenizer.decode(window.ids.tolist(), skip_special_tokens=False)
    return text


def _loaded(
    folder: Path, record: Record, previous: str, seconds: int, sink: int, window: int
) -> tuple[list[int], list[int]]:
    """As the published loader has it: ids, and which of them are learned, which no line break in front of words is."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    text += f"<|im_start|>previous text\n{previous}<|im_end|>\n"
    for second in range(seconds):
        begin, end = record.start_s + second, record.start_s + second + 1
        asked = [one for one in record.questions if begin < one.asked_s <= end]
        question, answer = (asked[0].question, asked[0].answer) if asked else ("", "")
        phrase = "".join(f" {word.text}" for word in record.words if begin < word.end_s <= end)
        blank = " " if second else ""
        text += f"<|im_start|>user\nTime={begin:.1f}-{end:.1f}s{blank}{question}"
        text += "<|vision_start|><|video_pad|><|video_pad|><|vision_end|><|im_end|>\n"
        text += f"<|im_start|>assistant\n{answer}\n{phrase} ...<|im_end|>\n"
    ids: list[int] = tokenizer.encode(text).ids
    start, end_, newline = (tokenizer.encode(one).ids[0] for one in ("<|im_start|>", "<|im_end|>", "\n"))
    head = [start, *tokenizer.encode("previous text\n").ids]
    first = next(at for at in range(len(ids)) if ids[at : at + 3] == head[:3])
    last = ids.index(end_, first) + 1
    assert ids[last] == newline
    if (sink or window) and first + sink + window <= last + 1:
        ids = ids[: first + sink] + ids[last - window + 1 :]
    learned, said = list[int](), tokenizer.encode("assistant").ids
    breaks = tokenizer.encode("assistant\n\n").ids[len(said) :]  # one token in Qwen's vocabulary, two in this one
    for at in range(len(ids)):
        if ids[at : at + 1 + len(said)] == [start, *said]:
            begins = at + 1 + len(said)
            skipped = breaks if ids[begins : begins + len(breaks)] == breaks else breaks[:1]
            learned += range(begins + len(skipped), ids.index(end_, at) + 1)
    return ids, learned
