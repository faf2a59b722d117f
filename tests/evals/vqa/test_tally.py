"""Results to scores, counted on paper."""

import random
from collections.abc import Iterator

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.tally import VqaScores, vqa_chance, vqa_difference, vqa_scores
from tests.evals.vqa.asked import result

OVO, STREAMING, VIDEO_MME, LONG_VIDEO, MV = VqaBenchmark


def many(task: str, right: int, wrong: int, *, group: str = "", video: str = "v0") -> Iterator[VqaResult]:
    """So many right and wrong ones."""
    for index in range(right + wrong):
        name = f"{video}/{group}/{task}/{index}"
        yield result(task, right=index < right, group=group, video=video, id=name)


def shares(found: VqaScores) -> tuple[float | None, dict[str, float | None], dict[str, float | None]]:
    """Of all, of groups and of tasks."""
    groups = {name: one.share.value for name, one in found.groups.items()}
    return found.total.share.value, groups, {name: one.share.value for name, one in found.tasks.items()}


def test_ovo_bench_is_the_mean_of_groups_which_are_means_of_tasks() -> None:
    """Guards against 7 of 14, which is the mean of all questions, and against 0.55, which is that of all tasks."""
    found = vqa_scores(
        [
            *many("SSR", 3, 1, group="forward"),
            *many("REC", 0, 3, group="forward", video="v1"),
            *many("OCR", 1, 1, group="realtime"),
            *many("EPM", 1, 1, group="backward"),
            *many("EPM", 1, 1, group="backward", video="v1"),
            *many("ASI", 1, 0, group="backward"),
        ],
        OVO,
    )
    total, groups, tasks = shares(found)
    assert total == pytest.approx((0.75 + 0.5 + 0.375) / 3)
    assert list(groups.items()) == [("backward", 0.75), ("realtime", 0.5), ("forward", 0.375)]
    assert list(tasks.items()) == [("EPM", 0.5), ("ASI", 1), ("OCR", 0.5), ("REC", 0), ("SSR", 0.75)]
    assert (found.total.questions, found.groups["forward"].questions, found.tasks["EPM"].questions) == (14, 7, 4)
    assert found.videos == 2


def test_mvbench_is_the_mean_of_its_tasks() -> None:
    """Guards against 4 of 6."""
    found = vqa_scores(
        [*many("action_count", 1, 1), *many("moving_count", 3, 0), *many("state_change", 0, 1)],
        MV,
    )
    assert shares(found) == (0.5, {}, {"action_count": 0.5, "moving_count": 1, "state_change": 0})


@pytest.mark.parametrize("benchmark", [STREAMING, VIDEO_MME, LONG_VIDEO])
def test_the_others_are_the_mean_of_all_questions(benchmark: VqaBenchmark) -> None:
    """Guards tasks that occur in several groups: both are counted over all their questions."""
    first, second, *_ = benchmark.groups
    found = vqa_scores(
        [*many("x", 2, 1, group=second), *many("x", 0, 2, group=first), *many("y", 1, 0, group=first)], benchmark
    )
    total, groups, tasks = shares(found)
    assert total == 0.5
    assert groups == pytest.approx({first: 1 / 3, second: 2 / 3})
    assert list(groups) == [first, second]
    assert tasks == pytest.approx({"x": 2 / 5, "y": 1})


def test_what_was_not_answered_is_wrong() -> None:
    """Guards against a missing video that leaves the questions, and so the denominator."""
    failed = result("OCR", right=False, group="realtime", video="v1", answered="", failed="v1 is missing.")
    found = vqa_scores([*many("OCR", 1, 0, group="realtime"), failed], OVO)
    assert (found.total.share.value, found.total.questions, found.videos) == (0.5, 2, 2)


def test_intervals_are_over_videos() -> None:
    """Guards against four hundred questions about two videos, which know no more than two videos do."""
    found = vqa_scores([*many("x", 200, 0), *many("x", 0, 200, video="v1")], VIDEO_MME)
    assert found.total.share.to_json() == {"value": 0.5, "low": 0, "high": 1}
    found = vqa_scores([one for video in range(400) for one in many("x", video % 2, 1, video=f"v{video}")], VIDEO_MME)
    low, high = found.total.share.low, found.total.share.high
    assert low is not None
    assert high is not None
    assert 0.28 < low < 1 / 3 < high < 0.38
    assert vqa_scores(many("x", 3, 1), VIDEO_MME).total.share.to_json() == {"value": 0.75, "low": None, "high": None}


def test_a_draw_without_a_group_is_the_mean_of_the_others() -> None:
    """Guards against draws that are thrown away, or that count an absent group as wrong."""
    listed = [*many("EPM", 4, 0, group="backward"), *many("OCR", 2, 2, group="realtime", video="v1")]
    found = vqa_scores(listed, OVO)
    assert found.total.share.to_json() == {"value": 0.75, "low": 0.5, "high": 1}
    assert found.groups["backward"].share.to_json() == {"value": 1, "low": 1, "high": 1}


def test_the_order_of_results_is_no_matter() -> None:
    listed = [one for video in range(7) for one in many("x", video % 3, 2, video=f"v{video}")]
    expected = vqa_scores(listed, VIDEO_MME)
    random.Random(1).shuffle(listed)
    assert vqa_scores(listed, VIDEO_MME) == expected


def test_a_difference_is_paired() -> None:
    """Guards against two independent draws: videos differ much, and the second way has one more right in each."""
    first = [one for video in range(20) for one in many("x", video % 4, 4 - video % 4, video=f"v{video}")]
    second = [one for video in range(20) for one in many("x", video % 4 + 1, 3 - video % 4, video=f"v{video}")]
    low, high = vqa_scores(first, VIDEO_MME).total.share.low, vqa_scores(first, VIDEO_MME).total.share.high
    assert low is not None
    assert high is not None
    assert high - low > 0.2
    found = vqa_difference(first, second, VIDEO_MME)
    assert found.scores.total.share.to_json() == pytest.approx({"value": 0.25, "low": 0.25, "high": 0.25})
    assert found.left_out == 0
    back = vqa_difference(second, first, VIDEO_MME)
    assert back.scores.total.share.value == pytest.approx(-0.25)


def test_a_difference_is_averaged_as_the_benchmark_is() -> None:
    """Guards against 0, the difference of the means of all questions: backward gains 1 of 1, realtime loses 1 of 4."""
    first = [*many("EPM", 0, 1, group="backward"), *many("OCR", 3, 1, group="realtime")]
    second = [*many("EPM", 1, 0, group="backward"), *many("OCR", 2, 2, group="realtime")]
    found = vqa_difference(first, second, OVO).scores
    assert found.total.share.value == pytest.approx((1 - 0.25) / 2)
    assert found.groups["realtime"].share.value == pytest.approx(-0.25)
    assert found.tasks["EPM"].share.value == 1


def test_only_questions_that_both_have_are_compared() -> None:
    """Guards against a run that broke off, whose missing half would be a difference."""
    first, second = [*many("x", 2, 2)], [*many("x", 2, 0), *many("y", 1, 0)]
    found = vqa_difference(first, second, VIDEO_MME)
    assert (found.scores.total.share.value, found.scores.total.questions, found.left_out) == (0, 2, 3)
    with pytest.raises(UsageError, match="no question in common"):
        vqa_difference(first, [*many("z", 1, 1)], VIDEO_MME)


def test_what_guessing_reaches() -> None:
    """Guards against a mean of all questions, here 0.347, and against counts that are guessed or left out."""
    asked = [
        (result("EPM", right=True, group="backward", id="1"), 4),
        (result("EPM", right=False, group="backward", id="2"), 2),
        (result("HLD", right=True, group="backward", id="3"), 3),
        (result("OJR", right=False, group="realtime", id="4"), 2),
        (result("REC", right=True, group="forward", id="5", video="v1"), 0),
        (result("SSR", right=False, group="forward", id="6"), 2),
    ]
    found = vqa_chance(asked, OVO)
    total, groups, tasks = shares(found)
    assert tasks == pytest.approx({"EPM": 0.375, "HLD": 1 / 3, "OJR": 0.5, "REC": 0, "SSR": 0.5})
    assert groups == pytest.approx({"backward": (0.375 + 1 / 3) / 2, "realtime": 0.5, "forward": 0.25})
    assert total == pytest.approx(((0.375 + 1 / 3) / 2 + 0.75) / 3)
    assert (found.total.questions, found.tasks["EPM"].questions, found.videos) == (6, 2, 2)
    assert found.total.share.low is None
    assert shares(vqa_chance(asked, VIDEO_MME))[0] == pytest.approx((0.25 + 1 / 3 + 3 * 0.5) / 6)
