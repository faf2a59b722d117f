"""StreamingBench: its JSON and its CSV, what may be seen, questions in turn, and questions for the right moment."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.footage import find_footage, missing_videos
from svlm_cli.evals.benchmarks.streaming_bench import SeenContext, read_streaming_bench
from svlm_cli.questions.question import AnswerKind
from tests.evals.benchmarks.question_sets import (
    FOUR,
    proactive_row,
    streaming_csv_row,
    streaming_entry,
    streaming_row,
    write_csv,
    write_json,
)

WORDS = ("A red cup.", "A blue cup.", "A plate.", "Nothing.")
SQA = "Sequential Question Answering"


def test_a_minute_or_all_may_be_seen(tmp_path: Path) -> None:
    """Guards both settings, and times as H:M:S and M:S; early in a video there is less than a minute."""
    rows = [streaming_row("00:03:10"), streaming_row("00:45"), streaming_row("1:00:05")]
    write_json(tmp_path / "questions_real.json", [streaming_entry(*rows)])
    found = read_streaming_bench(tmp_path)
    assert [(one.start_s, one.end_s) for one in found] == [(130, 190), (0, 45), (3545, 3605)]
    assert {one.context for one in found} == {"last 60 s"}
    found = read_streaming_bench(tmp_path, SeenContext.ALL)
    assert [(one.start_s, one.end_s) for one in found] == [(None, 190), (None, 45), (None, 3605)]
    assert {one.context for one in found} == {"all before"}
    assert (found[0].options, found[0].answer, found[0].group) == (WORDS, "B", "real-time")


def test_ids_are_told_by_the_video_and_the_number(tmp_path: Path) -> None:
    """Guards the JSON, which has no ids: two stretches of a video are one count."""
    entries = [streaming_entry(streaming_row()), streaming_entry(streaming_row(), video="./videos/b.mp4")]
    write_json(tmp_path / "src/data/questions_real.json", [*entries, streaming_entry(streaming_row())])
    found = read_streaming_bench(tmp_path)
    assert [one.id for one in found] == ["videos/sample_2_real.mp4#1", "videos/b.mp4#1", "videos/sample_2_real.mp4#2"]
    (tmp_path / "src/data/videos").mkdir()
    (tmp_path / "src/data/videos/b.mp4").touch()
    footage = find_footage(tmp_path, found[1])
    assert footage is not None
    assert footage.path == tmp_path / "src/data/videos/b.mp4"


@pytest.mark.parametrize(
    ("options", "read"),
    [
        (FOUR, WORDS),
        (["A.red", "B.blue", "C.grey", "D.pink"], ("red", "blue", "grey", "pink")),
        (["4.", "2.", "8.", "6."], ("4.", "2.", "8.", "6.")),
        (["A. Smith", "B. Jones", "The plate", "D. Nothing"], ("A. Smith", "B. Jones", "The plate", "D. Nothing")),
    ],
)
def test_letters_are_taken_off_if_all_options_have_theirs(
    tmp_path: Path, options: list[str], read: tuple[str, ...]
) -> None:
    """Guards options without letters, among them initials that look like one."""
    write_json(tmp_path / "questions_real.json", [streaming_entry(streaming_row(options=options))])
    assert read_streaming_bench(tmp_path)[0].options == read


def test_contextual_tasks_stand_in_the_file_of_omni(tmp_path: Path) -> None:
    tasks = ["Emotion Recognition", "Misleading Context Understanding", "Anomaly Context Understanding"]
    rows = [streaming_row(task_type=task) for task in tasks]
    write_json(tmp_path / "questions_omni.json", [streaming_entry(*rows)])
    assert [one.group for one in read_streaming_bench(tmp_path)] == ["omni", "contextual", "contextual"]


def test_questions_in_turn_come_with_the_earlier_ones_and_their_answers(tmp_path: Path) -> None:
    """Guards against a letter as an answer, which says nothing later, and against answers of another video."""
    one, two, three = (streaming_row(question=f"{name}?", answer=answer) for name, answer in ("1A", "2D", "3B"))
    first = [streaming_entry(one), streaming_entry(two), streaming_entry(three)]
    other = [streaming_entry(streaming_row(question="4?"), video="./videos/b.mp4")]
    write_json(tmp_path / "questions_sqa.json", [first, other])
    found = read_streaming_bench(tmp_path)
    assert [one.earlier for one in found] == [
        (),
        (("1?", "A red cup."),),
        (("1?", "A red cup."), ("2?", "Nothing.")),
        (),
    ]
    assert {one.group for one in found} == {"contextual"}


def test_a_proactive_question_is_asked_each_second_until_four_after_its_moment(tmp_path: Path) -> None:
    write_json(tmp_path / "questions_proactive.json", [streaming_entry(proactive_row())])
    (one,) = read_streaming_bench(tmp_path)
    assert (one.kind, one.answer, one.options) == (AnswerKind.PROACTIVE, "3", ())
    assert (one.asked_s, one.due_s, one.start_s, one.end_s) == (20, 29, 0, 33)
    assert [*one.moments()] == [*range(21, 34)]


def test_the_hub_has_csv(tmp_path: Path) -> None:
    """Guards options as a Python list, and samples of one number in two parts, which are two videos."""
    tricky = str(['A. It\'s \\d "x"', "B. no", "C. maybe, or", "D. \u00e9"])
    write_csv(
        tmp_path / "StreamingBench/Real_Time_Visual_Understanding.csv",
        [
            streaming_csv_row("Real-Time Visual Understanding_sample_12_3"),
            streaming_csv_row("x_sample_1_1", options=tricky),
        ],
    )
    write_csv(
        tmp_path / "StreamingBench/Contextual_Understanding.csv",
        [streaming_csv_row("MCR_sample_1_1", task_type="Misleading Context Recognition")],
    )
    found = read_streaming_bench(tmp_path)
    assert [one.video for one in found] == [
        "Real-Time Visual Understanding/sample_12/video.mp4",
        "Real-Time Visual Understanding/sample_1/video.mp4",
        "Misleading Context Understanding/sample_1/video.mp4",
    ]
    assert (found[0].text, found[0].options, found[0].answer) == ('What, on the "table"?', WORDS, "B")
    assert found[1].options == ('It\'s \\d "x"', "no", "maybe, or", "\u00e9")
    assert [one.group for one in found] == ["real-time", "real-time", "contextual"]


def test_a_sample_is_not_taken_for_that_of_another_archive(tmp_path: Path) -> None:
    """Guards against answers about the wrong video: samples of each archive are counted from 1."""
    write_csv(tmp_path / "Real_Time_Visual_Understanding.csv", [streaming_csv_row("x_sample_1_1")])
    bare = tmp_path / "sample_1/video.mp4"
    bare.parent.mkdir()
    bare.touch()
    (one,) = read_streaming_bench(tmp_path)
    footage = find_footage(tmp_path, one)
    assert footage is not None
    assert footage.path == bare
    write_csv(tmp_path / "Sequential_Question_Answering.csv", [streaming_csv_row("y_sample_1_1", task_type=SQA)])
    found = read_streaming_bench(tmp_path)
    assert missing_videos(tmp_path, found) == tuple(each.video for each in found)
    own = tmp_path / SQA / "sample_1/video.mp4"
    own.parent.mkdir(parents=True)
    own.touch()
    assert missing_videos(tmp_path, found) == ("Real-Time Visual Understanding/sample_1/video.mp4",)


@pytest.mark.parametrize("folder", ["Source Discrimination", "Source Discrimination/Source Discrimination"])
def test_an_archive_may_hold_a_folder_of_its_name(tmp_path: Path, folder: str) -> None:
    """Guards those that do: each is unpacked into a folder of its name, whatever it holds."""
    row = streaming_csv_row("x_sample_1_1", task_type="Source Discrimination")
    other = streaming_csv_row("y_sample_1_1", task_type="Scene Understanding")
    write_csv(tmp_path / "Omni_Source_Understanding.csv", [row, other])
    own = tmp_path / folder / "sample_1/video.mp4"
    own.parent.mkdir(parents=True)
    own.touch()
    found = read_streaming_bench(tmp_path)
    assert missing_videos(tmp_path, found) == ("Scene Understanding/sample_1/video.mp4",)
    footage = find_footage(tmp_path, found[0])
    assert footage is not None
    assert footage.path == own


def test_questions_in_turn_of_csv_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Guards against the order of texts, in which 10 is before 2."""
    rows = [
        streaming_csv_row(f"{SQA}_sample_{sample}_{number}", question=f"{sample}.{number}?")
        for sample, number in ((1, 10), (2, 1), (1, 2))
    ]
    write_csv(tmp_path / "Sequential_Question_Answering.csv", rows)
    found = {one.text: one.earlier for one in read_streaming_bench(tmp_path)}
    assert found == {"1.2?": (), "1.10?": (("1.2?", "A blue cup."),), "2.1?": ()}


def test_proactive_questions_of_csv(tmp_path: Path) -> None:
    write_csv(tmp_path / "Proactive_Output.csv", [{"question_id": "Proactive Output_sample_4_1", **proactive_row()}])
    (one,) = read_streaming_bench(tmp_path)
    assert (one.video, one.kind, one.due_s) == ("Proactive Output/sample_4/video.mp4", AnswerKind.PROACTIVE, 29)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_stamp": "190"}, "time_stamp must be a time like 00:03:10 or 03:10, not '190'"),
        ({"time_stamp": 190}, "time_stamp must be a text, not 190"),
        ({"answer": "E"}, "'E' is not a letter of its options"),
        ({"answer": ""}, "'' is not a letter of its options"),
        ({"answer": "AB"}, "'AB' is not a letter of its options"),
        ({"options": FOUR[:3]}, "options must be a list of 4 texts"),
    ],
)
@pytest.mark.parametrize("in_turn", [False, True])
def test_a_question_that_cannot_be_asked_is_named(
    tmp_path: Path, change: dict[str, Any], said: str, in_turn: bool
) -> None:
    entries = [streaming_entry(streaming_row()), streaming_entry(streaming_row(), streaming_row(**change))]
    name = "questions_sqa.json" if in_turn else "questions_real.json"
    write_json(tmp_path / name, [[one] for one in entries] if in_turn else entries)
    with pytest.raises(InputError, match=rf"Row 2 of .*{name} .*{said}"):
        read_streaming_bench(tmp_path)


def test_where_in_a_row_it_is_wrong(tmp_path: Path) -> None:
    entries = [streaming_entry(streaming_row()), streaming_entry(streaming_row(), streaming_row(question=3))]
    write_json(tmp_path / "questions_sqa.json", [entries])
    with pytest.raises(InputError, match=r"Row 1 of .*\(\[1\]\.questions\[1\]\) .*question must be a text, not 3"):
        read_streaming_bench(tmp_path)
    entries = [streaming_entry(streaming_row(), streaming_row(), streaming_row(answer="E"))]
    write_json(tmp_path / "questions_sqa.json", [entries])
    with pytest.raises(InputError, match=r"Row 1 of .*\(\[0\]\.questions\[2\]\) .*the answer 'E'"):
        read_streaming_bench(tmp_path)
    write_json(tmp_path / "questions_sqa.json", entries)
    with pytest.raises(InputError, match=r"Row 1 of .*must be a list of the entries of one video"):
        read_streaming_bench(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ground_truth_output": ""}, "what is to be said is empty"),
        ({"ground_truth_time_stamp": "00:00:19"}, "the right moment is before the question"),
        ({"ground_truth_time_stamp": None}, "ground_truth_time_stamp must be a text"),
    ],
)
def test_a_proactive_question_that_nobody_could_answer(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Guards an empty output, which is in every answer."""
    write_json(tmp_path / "questions_proactive.json", [streaming_entry(proactive_row(**change))])
    with pytest.raises(InputError, match=rf"Row 1 of .*{said}"):
        read_streaming_bench(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question_id": "sample_1"}, "question_id must end in the numbers"),
        ({"options": "['A', 'B'"}, "options must be a list of texts"),
        ({"options": "__import__('os').getcwd()"}, "options must be a list of texts"),
        ({"options": "['A. x', 'B. y', 3, 'D. z']"}, r"options\[2\] must be a text, not 3"),
        ({"question_id": "x_sample_1_1"}, "repeats the question"),
    ],
)
def test_a_line_of_csv_that_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Guards the number too: a field of the first question holds a line's end."""
    rows = [streaming_csv_row("x_sample_1_1", question="What\nis it?"), streaming_csv_row("x_sample_1_2")]
    write_csv(tmp_path / "Real_Time_Visual_Understanding.csv", [rows[0], {**rows[1], **change}])
    with pytest.raises(InputError, match=rf"Line 4 of .*Real_Time_Visual_Understanding\.csv .*{said}"):
        read_streaming_bench(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question_id,answer\nx_1_1\n", "Line 2 of .*it has 1 fields, and the first line 2"),
        ("answer,answer\nx,y\n", "Line 1 of .*names a column twice"),
        ('answer\n"x\n', "Line 2 of .*unexpected end of data"),
        ("question_id\n", "holds no questions"),
    ],
)
def test_a_file_that_is_no_such_csv(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "Real_Time_Visual_Understanding.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_streaming_bench(tmp_path)


def test_two_files_with_one_question(tmp_path: Path) -> None:
    """Guards results, which know questions by their ids."""
    for name in ("Real_Time_Visual_Understanding", "Omni_Source_Understanding"):
        write_csv(tmp_path / f"{name}.csv", [streaming_csv_row("x_sample_1_1")])
    with pytest.raises(InputError, match=r"Two files in .* hold the question 'x_sample_1_1'"):
        read_streaming_bench(tmp_path)


def test_a_folder_with_nothing_of_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no questions of StreamingBench"):
        read_streaming_bench(tmp_path)
