"""Lines for people: one sentence on one line, and none of them twice."""

from svlm_cli.core.errors import InputError
from svlm_cli.core.reporting import once, warn_of
from svlm_cli.core.sentences import error_sentence, sentence
from tests.reporters import KeepingReporter


def test_a_sentence_is_one_line_without_passwords() -> None:
    """Guards logs against names of files that hold line breaks, and against addresses that hold logins."""
    assert sentence("a\nb is not there.", "Look\tagain.") == "svlm: a b is not there. Look again."
    assert "secret" not in error_sentence(InputError("rtsp://me:secret@h/a does not answer."))


def test_each_line_is_told_once() -> None:
    """Guards people against what several questions about one video have to tell."""
    heard: list[str] = []
    told = {"known"}
    hear = once(heard.append, told)
    for line in ("known", "new", "new", "another"):
        hear(line)
    assert heard == ["new", "another"]
    assert told == {"known", "new", "another"}


def test_an_error_that_ends_nothing_keeps_its_way_out() -> None:
    reporter = KeepingReporter()
    warn_of(reporter, InputError("It is empty.", "Copy it again."))
    assert reporter.warned == ["It is empty. Copy it again."]
