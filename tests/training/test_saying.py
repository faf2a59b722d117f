"""The page of what a model said of held-out videos: for people, whatever stands in names and words."""

from svlm_cli.training.held_out_videos import HeldOutVideo
from svlm_cli.training.saying import VideoCaptions, greedy, page
from tests.training.recipes import small_policy

VIDEO = HeldOutVideo("a\x1b[2Jb.mp4", 3590.0, "", None, ("", " They win\n it", "", " end\u202e"), lambda: iter(()))


def test_seconds_with_words_stand_side_by_side() -> None:
    """Guards the reader: seconds of silence are left out, and what is said alone has a dash beside it."""
    heard = VideoCaptions(VIDEO, ("", "", " Goal", " end"))
    assert page(500, [heard]).splitlines() == [
        "What the model says by itself after step 500.",
        "",
        "ab.mp4",
        "",
        "0:59:51  model: -",
        "         truth: They win  it",
        "0:59:52  model: Goal",
        "         truth: -",
        "0:59:53  model: end",
        "         truth: end",
    ]


def test_what_went_wrong_is_said() -> None:
    """Guards against a page that looks as if the model had nothing more to say."""
    lines = page(1, [VideoCaptions(VIDEO, ("", " Yes"), "More than 120 s are not spent on this.")]).splitlines()
    assert lines[-3:] == [
        "0:59:51  model: Yes",
        "         truth: They win  it",
        "More than 120 s are not spent on this.",
    ]


def test_chance_has_no_part_in_it() -> None:
    """Guards the comparison of two steps: only the weights differ."""
    assert greedy(small_policy()).sampling.temperature == 0.0
