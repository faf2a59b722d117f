"""One run that collects words, without a command line."""

from pathlib import Path

from svlm_cli.core.errors import InputError
from svlm_cli.curation.about import AboutVideos
from svlm_cli.curation.collecting import WordsFrom
from svlm_cli.curation.collecting_run import CollectedWords, collect_words
from svlm_cli.curation.growing_words import GrowingWords
from tests.clips import run_ffmpeg
from tests.curation.test_collecting import collector
from tests.curation.test_transcripts import SRT


def test_what_goes_wrong_with_one_video_touches_no_other(tmp_path: Path) -> None:
    """Guards the words of the videos after a broken one, and the counts of what was done."""
    broken, good = tmp_path / "broken.mp4", tmp_path / "good.mp4"
    broken.write_bytes(b"no video")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=2:d=60", good)
    good.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    done, failures, progress = CollectedWords(3, there=1), list[InputError](), list[int]()
    output = tmp_path / "words.jsonl"
    with GrowingWords(output) as growing:
        collect_words(
            [broken, good],
            collector(WordsFrom.SRT),
            AboutVideos({}),
            growing,
            done,
            progress=lambda count, _note="": progress.append(count),
            failure=failures.append,
        )
        spoken = growing.find(good)
    assert spoken is not None
    assert (done.done, done.silent, done.unknown, done.words) == (1, 0, 2, spoken.words)
    assert done.errors == failures
    assert [str(error).startswith(str(broken)) for error in failures] == [True]
    assert progress[-1] == 2
    told = done.to_json(output)
    assert (told["videos"], told["there"], told["failed"]) == (3, 1, 1)
    assert done.sentence(output).endswith("; 1 failed.")
