"""MVBench: twenty files, stretches of videos, and the task whose videos are folders of pictures."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.footage import Footage, find_footage, missing_videos
from svlm_cli.evals.benchmarks.mvbench import MVBENCH_TASKS, read_mvbench
from tests.evals.benchmarks.question_sets import mvbench, mvbench_row


def test_the_answer_is_a_text_and_becomes_its_letter(tmp_path: Path) -> None:
    mvbench(tmp_path, action_count=[mvbench_row(answer="Left.", candidates=["Sat down.", "Left."]), mvbench_row()])
    found = read_mvbench(tmp_path)
    assert len(found) == 21
    assert list(dict.fromkeys(one.task for one in found)) == list(MVBENCH_TASKS)
    first, second = (one for one in found if one.task == "action_count")
    assert (first.id, first.answer, first.options) == ("action_count_0", "B", ("Sat down.", "Left."))
    assert (second.id, second.answer, second.group) == ("action_count_1", "B", "")
    assert (first.start_s, first.end_s) == (None, None)
    assert first.video == "perception/videos/ZS9XR.mp4"


def test_a_stretch_of_a_video(tmp_path: Path) -> None:
    """Guards against questions about all of a video of which only a stretch is meant; it may begin at 0."""
    mvbench(tmp_path, action_sequence=[mvbench_row(start=0.0, end=6.8), mvbench_row(start=2, end=9.5)])
    found = [one for one in read_mvbench(tmp_path) if one.task == "action_sequence"]
    assert [(one.start_s, one.end_s) for one in found] == [(0, 6.8), (2, 9.5)]


def test_one_task_is_folders_of_pictures(tmp_path: Path) -> None:
    """Guards against a search for a file where there is a folder, and the other way round."""
    mvbench(tmp_path, episodic_reasoning=[mvbench_row(video="castle_s05", start=3.0, end=40.0)])
    found = {one.task: one for one in read_mvbench(tmp_path)}
    pictures, video = found["episodic_reasoning"], found["object_existence"]
    assert missing_videos(tmp_path, [pictures, video, pictures]) == (
        "tvqa/frames_fps3_hq/castle_s05",
        "clevrer/video_validation/ZS9XR.mp4",
    )
    folder = tmp_path / "video/tvqa/frames_fps3_hq/castle_s05"
    folder.mkdir(parents=True)
    (tmp_path / "video/clevrer/video_validation/ZS9XR.mp4").mkdir(parents=True)
    assert find_footage(tmp_path, pictures) == Footage(folder, 3, 40, 3)
    assert find_footage(tmp_path, video) is None, "a folder is no video"


@pytest.mark.parametrize("above", ["video/", "", "video/data0613/", "data0613/"])
def test_where_archives_are_unpacked(tmp_path: Path, above: str) -> None:
    """Guards some videos of two sources, which were published later and in an archive of their own, data0613.zip."""
    mvbench(tmp_path)
    found = {one.task: one for one in read_mvbench(tmp_path)}
    one = found["action_sequence"]
    assert find_footage(tmp_path, one) is None
    path = tmp_path / above / "star/Charades_v1_480/ZS9XR.mp4"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_footage(tmp_path, one) == Footage(path, None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "Slept."}, "the answer 'Slept.' is not one of the candidates"),
        ({"answer": ""}, "the answer '' is not one of the candidates"),
        ({"candidates": []}, "candidates must be a list of 2 to 26 texts"),
        ({"start": 0.0}, "end must be a number, and it is missing"),
        ({"start": 3.0, "end": 3.0}, "nothing can be seen"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    mvbench(tmp_path, state_change=[mvbench_row(), mvbench_row(**change)])
    with pytest.raises(InputError, match=rf"Row 2 of .*state_change\.json .*{said}"):
        read_mvbench(tmp_path)


def test_all_twenty_files_are_needed(tmp_path: Path) -> None:
    """Guards against a mean of nineteen tasks that looks like MVBench's."""
    mvbench(tmp_path)
    (tmp_path / "json/action_count.json").unlink()
    with pytest.raises(InputError, match=r"json lacks action_count\.json"):
        read_mvbench(tmp_path)
