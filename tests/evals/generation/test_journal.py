"""Rounds that are under way, on disk: nothing is lost but half a line, and nobody else's file is taken."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputBusyError
from svlm_cli.evals.generation.journal import RoundsFolder, SaidRound
from svlm_cli.evals.generation.stretches import VideoStretch

ROUNDS = [SaidRound(0, 1.0, " Ho\u2028ho", (5, 7)), SaidRound(1.0, 2.0, "", (9,)), SaidRound(2, 3, "x", (1,))]
STRETCH = VideoStretch("a.b.mp4", Path("a.b.mp4"), 0, 10, "")


@pytest.fixture
def folder(tmp_path: Path) -> RoundsFolder:
    found = RoundsFolder(tmp_path / "pred.jsonl")
    found.make()
    return found


@pytest.mark.parametrize("lost", [0, 1, 2, 30])
def test_what_a_killed_run_left_is_read_but_for_half_a_line(folder: RoundsFolder, lost: int) -> None:
    """Guards the words before a kill, and the next ones, which must not be glued to half a line."""
    with folder.journal(STRETCH) as journal:
        for one in ROUNDS[:2]:
            journal.append(one)
    path = folder.path / "a.b.jsonl"
    path.write_bytes(path.read_bytes()[: -lost or None])
    kept = ROUNDS[:1] if lost > 1 else ROUNDS[:2]
    with folder.journal(STRETCH) as journal:
        assert journal.rounds == kept
        journal.append(ROUNDS[2])
    with folder.journal(STRETCH) as journal:
        assert journal.rounds == [*kept, ROUNDS[2]]


@pytest.mark.parametrize("token_ids", ["[]", "[true]", '"x"', "[1.5]"])
def test_a_line_that_is_no_round_is_named(folder: RoundsFolder, token_ids: str) -> None:
    (folder.path / "a.b.jsonl").write_text(f'{{"start":0,"end":1,"text":"","token_ids":{token_ids}}}\n')
    with pytest.raises(InputError, match=r"Line 1 of .*a\.b\.jsonl .*token_ids must be"):
        folder.journal(STRETCH)


def test_two_runs_do_not_write_one_journal(folder: RoundsFolder) -> None:
    with folder.journal(STRETCH), pytest.raises(OutputBusyError):
        folder.journal(STRETCH)


def test_every_stretch_has_files_of_its_own(folder: RoundsFolder) -> None:
    """Guards against two stretches in one file, and against names that lead out of the folder."""
    where = Path("x.mp4")
    stretches = [
        VideoStretch("a.mp4", where, 0, 10, ""),
        VideoStretch("a.mp4", where, 100, 110, "", is_piece=True),
        VideoStretch("a", where, 0, 10, "", event_id="b-c"),
        VideoStretch("a-b", where, 0, 10, "", event_id="c"),
        VideoStretch("..", where, 0, 10, "", event_id="/etc/passwd"),
        VideoStretch("a b.mp4", where, 0, 10, ""),
        VideoStretch("a?b.mp4", where, 0, 10, ""),
    ]
    paths = [folder.snapshot(one) for one in stretches]
    assert [path.name for path in paths[:2]] == ["a.state", "a-100.state"]
    assert len({*paths}) == len(stretches)
    assert {path.parent for path in paths} == {folder.path}


def test_the_folder_goes_when_all_is_done_and_takes_nothing_of_others(folder: RoundsFolder) -> None:
    """Guards a file that somebody put there."""
    with folder.journal(STRETCH) as journal:
        journal.append(ROUNDS[0])
    folder.snapshot(STRETCH).touch()
    note = folder.path / "note.txt"
    note.touch()
    folder.remove()
    assert len(list(folder.path.iterdir())) == 3, "it is not empty"
    folder.discard(STRETCH)
    assert list(folder.path.iterdir()) == [note]
    (folder.path / "other.state.part").touch()
    folder.remove(everything=True)
    assert list(folder.path.iterdir()) == [note]
    note.unlink()
    folder.remove()
    assert not folder.path.exists()
