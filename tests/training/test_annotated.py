"""Real clips with annotations: pictures and words of the right seconds, and a model that overfits one of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.seeks import StaleIndexError
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.clip_reader import Photographed
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.recipe import DataRecipe, Recipe, Source, WindowLayout
from svlm_cli.training.trainer import train
from tests.clips import make_clip, numbered
from tests.training.recipes import small_family, small_recipe
from tests.training.seen import views_of
from tests.training.test_records import messages

SECONDS = 7
RATE = 30
WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one record over a clip whose pictures are numbered."""
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "clip.mp4", frames=RATE * SECONDS)
    record = messages()
    record[0]["content"][0]["video_end"] = SECONDS
    record[1]["content"][0]["text_stream"] = [[s + 0.1, s + 0.9, f"w{s}"] for s in range(SECONDS)]
    path = folder / "records.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return path


def _recipe(path: Path, steps: int = 2, batch: int = 2, bad_allowed: int = 0) -> Recipe:
    recipe = small_recipe(steps, batch=batch)
    annotations = AnnotationRecipe(files=(str(path),), bad_allowed=bad_allowed)
    return replace(
        recipe,
        data=DataRecipe(source=Source.ANNOTATIONS, annotations=annotations),
        base_stage=type(recipe.base_stage)(),
    )


def _data(recipe: Recipe, folder: Path, said: list[str]) -> AnnotatedData:
    run_folder.begin(folder, recipe, lambda: annotated_texts(recipe))
    return AnnotatedData(
        recipe, Layout(folder, recipe.policy, small_family()), load_preprocessor(folder, small_family()), said.append
    )


def test_windows_show_and_say_what_belongs_to_their_seconds(annotated: Path, tmp_path: Path) -> None:
    """Guards the join of words and pictures: both from the file's own clock, the rest of the record in front."""
    recipe = _recipe(annotated, steps=3, batch=1)
    data = _data(recipe, tmp_path / "run", [])
    prompt = Layout(tmp_path / "run", recipe.policy, small_family())
    preprocessor = load_preprocessor(tmp_path / "run", small_family())
    starts = set()
    for batch in data.batches(0):
        ids = batch.tokens.ids.tolist()
        text = prompt.prompt._tokenizer._tokenizer.decode(ids, skip_special_tokens=False)
        start = next(second for second in (0, 2, 4) if f"Time={second}.0-{second + 1}.0s" in text)
        starts.add(start)
        stop = min(start + 4, SECONDS)
        said = "".join(f" w{second}" for second in range(start))
        assert f"previous text\nFalvon against Torbek.{said}<|im_end|>" in text
        for second in range(start, stop):
            assert f"Time={second}.0-{second + 1}.0s" in text
            assert f"assistant\n w{second} ...<|im_end|>" in text
        assert ("Comment." in text) == (start == 0)
        shown, grids = batch.pictures.patches(preprocessor, device=torch.device("cpu"), dtype=torch.float32)
        pictures = [numbered(round(RATE * (start + k / 2))) for k in range(2 * (stop - start))]
        size = grids[0][1] * 14, grids[0][2] * 14
        expected, _ = preprocessor.patches(pictures, *size, device=torch.device("cpu"), dtype=torch.float32)
        assert (shown - expected).abs().mean() < 0.05  # H.264 loses a little; another picture would be off by 0.5
    data.close()
    assert starts == {0, 2, 4}


def test_a_window_that_cannot_be_read_is_named_and_missed(annotated: Path, tmp_path: Path) -> None:
    """Guards against another window in its place: its batch is one smaller, and the count goes on."""
    good = json.loads(annotated.read_text(encoding="utf-8"))
    long = json.loads(annotated.read_text(encoding="utf-8"))
    long[0]["content"][0]["video_end"] = SECONDS + 4  # the clip is shorter
    path = annotated.with_name("long.jsonl")
    path.write_text(f"{json.dumps(good)}\n{json.dumps(long)}\n", encoding="utf-8")
    said: list[str] = []
    data = _data(_recipe(path, steps=1, batch=8, bad_allowed=5), tmp_path / "run", said)
    (batch,) = data.batches(0)
    data._exchange.settle(batch.learned)
    data.close()
    skipped = [line for line in said if "skipped: " in line]
    assert len(batch.tokens.bounds) - 2 == 8 - len(skipped)
    assert skipped
    assert all(line.startswith(f"{path}:2 (") and "has no pictures from" in line for line in skipped)
    data = _data(_recipe(path, steps=1, batch=8, bad_allowed=0), tmp_path / "other", [])
    with pytest.raises(InputError, match="has no pictures from 7 s on"):
        data._exchange.settle(sum(batch.learned for batch in data.batches(0)))
    data.close()


def _rows(annotated: Path) -> Path:
    """A good row, one that is none, a video that is not there, an empty one, and one that is too short."""
    annotated.with_name("empty.mp4").touch()
    (row,) = annotated.read_text(encoding="utf-8").splitlines()
    gone, empty = (row.replace("clip.mp4", name) for name in ("gone.mp4", "empty.mp4"))
    short = row.replace(f'"video_end": {SECONDS}', f'"video_end": {SECONDS + 4}')
    path = annotated.with_name("rows.jsonl")
    path.write_text("\n".join([row, "[]", gone, empty, short]) + "\n", encoding="utf-8")
    return path


def _whole(recipe: Recipe, bad_share: float = 0.0) -> Recipe:
    annotations = replace(recipe.data.annotations, bad_share=bad_share)
    windows = replace(recipe.windows, whole_rows=True, seconds=60)
    return replace(recipe, data=replace(recipe.data, annotations=annotations), windows=windows)


def test_bad_rows_are_named_counted_and_not_replaced(annotated: Path, tmp_path: Path) -> None:
    """Guards whole rows, which are read while the run goes on: each fault is told by its row, a share of them is
    allowed, and a batch that has none left is no end of the run.
    """
    path = _rows(annotated)
    said: list[str] = []
    recipe = _whole(_recipe(path, steps=1, batch=1), bad_share=0.8)
    recipe = replace(recipe, optimisation=replace(recipe.optimisation, accumulate=5))
    data = _data(recipe, tmp_path / "run", said)
    batches = list(data.batches(0))
    learned = data._exchange.settle(sum(batch.learned for batch in batches))
    data.close()
    assert (len(batches), [batch.learned for batch in batches].count(0)) == (5, 4)
    assert learned == max(batch.learned for batch in batches)
    assert said[:1] == [f"{path} has no seek index, so all of it is read once to find its lines."]
    assert said[1] == "5 windows"
    assert sorted(said[2:]) == [
        f"{path}:2: skipped: it is not a list of two messages.",
        f"{path}:3: skipped: there is no video {path.with_name('gone.mp4')}.",
        f"{path}:4: skipped: {path.with_name('empty.mp4')} is empty.",
        f"{path}:5: skipped: {path.with_name('clip.mp4')} has no pictures from 7 s on.",
    ]
    data = _data(_whole(recipe, bad_share=0.7), tmp_path / "other", [])
    with pytest.raises(InputError, match=r"record 4 that had to be skipped, 0 are allowed, and 70 % of the 5 so far"):
        data._exchange.settle(sum(batch.learned for batch in data.batches(0)))
    data.close()


def test_long_windows_have_smaller_pictures(annotated: Path, tmp_path: Path) -> None:
    """Guards memory: so many pixels for all frame pairs of a window, but a little more than the least for each."""
    recipe = _whole(_recipe(annotated, steps=1, batch=1))
    sizes, most = {}, {}
    for total in (0, SECONDS * 12_000, 1):
        data = _data(replace(recipe, windows=replace(recipe.windows, total_pixels=total)), tmp_path / f"{total}", [])
        (batch,) = data.batches(0)
        data.close()
        most[total] = data._reader._most_pixels(2 * SECONDS)
        pictures = batch.pictures
        assert isinstance(pictures, Photographed)
        sizes[total] = {(pixels.shape[2], pixels.shape[3]) for pixels in pictures.seconds}
    assert most == {0: 224 * 112, SECONDS * 12_000: 12_000, 1: int(1.05 * 784)}
    assert sizes == {0: {(112, 168)}, SECONDS * 12_000: {(84, 112)}, 1: {(28, 28)}}


def test_an_index_that_has_become_stale_ends_the_run(annotated: Path, tmp_path: Path) -> None:
    """Guards against rows that are skipped one by one because the file has changed under the run."""
    path = _rows(annotated)
    data = _data(_whole(_recipe(path, steps=2, batch=5, bad_allowed=99)), tmp_path / "run", [])
    path.write_text(" " + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(StaleIndexError, match="is not at byte"):
        list(data.batches(0))
    data.close()


@pytest.mark.parametrize("layout", [*WindowLayout])
def test_questions_of_a_row_are_learned_as_questions(annotated: Path, tmp_path: Path, layout: WindowLayout) -> None:
    """Guards `qa_stream` in both layouts: a question behind its second, as a stream is asked; or within it."""
    row = json.loads(annotated.read_text(encoding="utf-8"))
    row[1]["content"][0]["qa_stream"] = [[0.5, 2.5, "Who has it?", "Falvon."], [3.0, 6.0, "And now?", "Torbek."]]
    path = annotated.with_name(f"asked-{layout}.jsonl")
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    recipe = _whole(_recipe(path, steps=1, batch=1))
    data = _data(replace(recipe, windows=replace(recipe.windows, layout=layout)), tmp_path / "run", [])
    (batch,) = data.batches(0)
    data.close()
    text = data._reader._layout.prompt._tokenizer._tokenizer.decode(
        batch.tokens.ids.tolist(), skip_special_tokens=False
    )
    assert "w2" in text
    answers = batch.tokens.targets[batch.tokens.roles == Role.ANSWER].tolist()
    if layout is WindowLayout.SVLM:
        for question, answer in (("Who has it?", "Falvon."), ("And now?", "Torbek.")):
            assert f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>" in text
        expected = "Falvon.Torbek."
    else:
        assert "Time=2.0-3.0s Who has it?<|vision_start|>" in text
        assert "<|im_start|>assistant\nFalvon.\n w2 ...<|im_end|>" in text
        assert "Time=5.0-6.0s And now?<|vision_start|>" in text
        expected = "Falvon.\nTorbek.\n"
    assert data._reader._layout.prompt._tokenizer.decode(answers) == expected


def test_a_question_sees_its_second_and_none_after_it(annotated: Path, tmp_path: Path) -> None:
    """Guards when it is put: a stream is asked when the second in which the time lies has been seen and commented."""
    row = json.loads(annotated.read_text(encoding="utf-8"))
    row[1]["content"][0]["qa_stream"] = [[0.5, 3.0, "Who has it?", "Falvon."]]
    path = annotated.with_name("asked.jsonl")
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    data = _data(_whole(_recipe(path, steps=1, batch=1)), tmp_path / "run", [])
    tokens = data._reader.read(*data._clips.at(0), 2.0).tokens
    data.close()
    seen = data._reader._layout.prompt._tokenizer.decode(tokens.ids[views_of(tokens)[-1].keys].tolist())
    assert "w2 ..." in seen
    assert "Time=3.0" not in seen


def test_ten_steps_overfit_one_window(annotated: Path, tmp_path: Path) -> None:
    """Guards learning itself: loss on the right tokens, gradients that reach the weights."""
    recipe = _recipe(annotated, steps=10, batch=1)
    recipe = replace(recipe, windows=replace(recipe.windows, seconds=8))
    losses: list[float] = []
    train(recipe, tmp_path / "run", device=torch.device("cpu"), say=lambda line: losses.extend(_loss(line)))
    assert len(losses) == 10
    assert losses[-1] < 0.6 * losses[0]


def _loss(line: str) -> list[float]:
    words = line.split()
    return [float(words[words.index("loss") + 1])] if "loss" in words else []


def test_data_begin_at_any_step(annotated: Path, tmp_path: Path) -> None:
    """Guards resuming: what comes after a step is what would have come."""
    data = _data(_recipe(annotated, steps=4), tmp_path / "run", [])
    whole, rest = list(data.batches(0)), list(data.batches(2))
    data.close()
    assert [one.tokens.ids.tolist() for one in whole[2:]] == [one.tokens.ids.tolist() for one in rest]


def test_sparse_windows_are_left_out_and_counted(annotated: Path, tmp_path: Path) -> None:
    """Guards the paper's filter against taking windows away without a word, and the error when nothing is left."""
    record = json.loads(annotated.read_text(encoding="utf-8"))
    del record[1]["content"][0]["text_stream"][5:]  # so that of three windows one has a word in each second
    path = annotated.with_name("quiet.jsonl")
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")

    def told(words_per_second: float) -> str:
        recipe, lines = _recipe(path), list[str]()
        windows = replace(recipe.windows, words_per_second=words_per_second)
        _data(replace(recipe, windows=windows), tmp_path / f"run-{words_per_second}", lines).close()
        return lines[-1]

    assert told(0.0) == "3 windows, 0 records skipped"
    assert told(1.0) == "1 windows, 2 left out with fewer than 1 words a second, 0 records skipped"
    with pytest.raises(InputError, match=r"Each of the 3 windows .* has fewer than 9 words a second"):
        told(9.0)
