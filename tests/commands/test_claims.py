"""``svlm eval claims``: a row at a time, never one twice, and a page of what there is."""

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.claims.measuring import RowPlayer
from svlm_cli.evals.claims.results import RowResult
from svlm_cli.evals.claims.rows import MATCHES_AT_ONCE, ROWS
from svlm_cli.outputs import figures
from tests.conftest import ROOT, Svlm
from tests.evals.claims.asked_questions import asked_report
from tests.evals.claims.trained_models import trained, trained_file
from tests.test_docs import shell_lines

LENGTH = ("--matches", "1", "--minutes", "0.1", "--seed", "20")


class Claims:
    """The command in this process, in a folder of its own."""

    def __init__(self, folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.results = folder / "results"
        self.model = str(model)
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
        """The object on stdout, if it went well, and stderr."""
        assert main(["eval", "claims", str(self.results), "--json", *arguments]) == code
        out, err = self._capsys.readouterr()
        assert out.count("\n") == (not code)
        assert "Traceback" not in err
        return json.loads(out) if out else {}, err

    def table(self) -> str:
        """What people see."""
        assert main(["eval", "claims", str(self.results)]) == 0
        return self._capsys.readouterr().out

    def measure(self, *rows: str, code: int = 0, length: tuple[str, ...] = LENGTH) -> tuple[dict[str, Any], str]:
        named = [word for row in rows for word in ("--row", row)]
        return self("--model", self.model, *named, *length, code=code)


@pytest.fixture
def claims(tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Claims:
    return Claims(tmp_path, tiny_checkpoint, capsys)


def test_a_row_is_measured_and_merged(
    claims: Claims, svlm: Svlm, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From nothing to the page, as a process."""
    asked = ("eval", "claims", "results", "--model", tiny_checkpoint, "--row", "vision-0", *LENGTH)
    done = svlm(*asked, "--write", "docs/claims.md", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["eval"], told["done"], told["measured"]) == ("claims", ["vision-0"], ["vision-0"])
    assert told["missing"] == [row.name for row in ROWS if row.name != "vision-0"]
    assert told["page"] == "docs/claims.md"
    table = claims.table()
    assert any(line.split()[:1] == ["vision-0"] for line in table.splitlines()), "a table for people, and nothing else"
    assert "{" not in table
    again = ["eval", "claims", str(claims.results), *map(str, asked[3:]), "--overwrite", "--quiet"]
    assert main(again) == 0
    assert capsys.readouterr() == (table, "")
    assert "6 of 6 rounds" in done.stderr
    raw = json.loads((tmp_path / "results" / "vision-0.json").read_text())
    assert raw["report"]["eval"] == "match"
    assert raw["report"]["setting"]["matches"] == 1
    assert raw["setting"]["policy"]["windows"]["vision_rounds"] == 0
    assert raw["setting"]["base"]["windows"]["vision_rounds"] == 16
    assert raw["setting"]["policy"]["sampling"]["temperature"] == 0
    assert raw["place"]["model"] == tiny_checkpoint.name, "not where it lies"
    page = (tmp_path / "docs" / "claims.md").read_text()
    assert f"--row vision-0 --model {tiny_checkpoint.name} --matches 1 --minutes 0.1 --seed 20" in page
    for link in re.findall(r"!\[.*\]\((.*)\)", page):
        assert (tmp_path / "docs" / link).is_file()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name.endswith(".part")) == []


def test_what_is_there_is_not_measured_again(claims: Claims) -> None:
    """Guards hours of work against a second call; a shared measurement is copied, not made again."""
    told, _ = claims.measure("streaming")
    assert told["measured"] == ["streaming"]
    file = claims.results / "streaming.json"
    before = file.read_bytes(), file.stat().st_mtime_ns
    told, err = claims.measure("streaming", "vision-16")
    assert told["measured"] == ["vision-16"]
    assert "streaming has been measured already" in err
    assert "vision-16 is the same as streaming, so its result is copied" in err
    assert "rounds" not in err
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    ours, theirs = (json.loads((claims.results / f"{row}.json").read_text()) for row in ("vision-16", "streaming"))
    assert ours["report"] == theirs["report"]
    assert (ours["setting"]["row"], theirs["setting"]["row"]) == ("vision-16", "streaming")


def test_another_setting_is_refused(claims: Claims, tmp_path: Path) -> None:
    """Guards against a number under a setting that did not make it; nothing is measured before that is found out."""
    claims.measure("window")
    before = (claims.results / "window.json").read_bytes()
    longer = ("--matches", "1", "--minutes", "0.15", "--seed", "20")
    _, err = claims.measure("full", "window", code=1, length=longer)
    assert "window.json was measured with another length. Replace it with --overwrite" in err
    assert [path.name for path in claims.results.iterdir()] == ["window.json"]
    assert (claims.results / "window.json").read_bytes() == before
    claims("--model", claims.model, "--row", "window", *longer, "--overwrite")
    assert json.loads((claims.results / "window.json").read_text())["setting"]["seconds"] == 9
    other = copytree(claims.model, tmp_path / "other")
    (other / "generation_config.json").write_text('{"eos_token_id": 0}')
    _, err = claims("--model", str(other), "--row", "full", *LENGTH, code=2)
    assert "has another model than the row" in err
    assert not (claims.results / "full.json").exists()


def test_rows_that_were_done_outlive_a_kill(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the day's work: what was measured before the end stays, what was not is measured next time."""
    measure = RowPlayer.measure

    def killed(self: RowPlayer, setting: Any, subject: Any) -> RowResult:
        if setting.row == "vision-1":
            raise KeyboardInterrupt
        return measure(self, setting, subject)

    with monkeypatch.context() as patch:
        patch.setattr(RowPlayer, "measure", killed)
        claims.measure("vision-0", "vision-1", "vision-4", code=130)
    assert [path.name for path in claims.results.iterdir()] == ["vision-0.json"]
    (claims.results / "vision-4.json.part").write_text("half a r")  # a run that could not clean up
    told, _ = claims.measure("vision-0", "vision-1", "vision-4")
    assert told["measured"] == ["vision-1", "vision-4"]
    assert sorted(path.name for path in claims.results.iterdir()) == [f"vision-{one}.json" for one in (0, 1, 4)]


@pytest.mark.extra
def test_rows_of_several_machines_are_merged(claims: Claims, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards the merge: the model lay elsewhere, the files were copied, and one row is of another model."""
    claims.measure("streaming")
    elsewhere = copytree(tiny_checkpoint, tmp_path / "elsewhere" / "the same")
    second = copytree(tiny_checkpoint, tmp_path / "elsewhere" / "no-overlap")
    (second / "generation_config.json").write_text((second / "generation_config.json").read_text() + "\n")
    here, claims.results = claims.results, tmp_path / "other results"
    claims(
        "--model", str(elsewhere), "--no-overlap-model", str(second), "--row", "full", "--row", "no-overlap", *LENGTH
    )
    for path in claims.results.iterdir():
        path.rename(here / path.name)
    claims.results = here
    told, _ = claims("--write", str(tmp_path / "claims.md"))
    assert told["done"] == ["streaming", "full", "no-overlap"]
    assert told["measured"] == []
    page = (tmp_path / "claims.md").read_text()
    assert "--no-overlap-model no-overlap" in page
    assert "--model 'the same'" in page
    assert str(tmp_path) not in page
    told, _ = claims("--write", str(tmp_path / "claims.md"))
    assert (tmp_path / "claims.md").read_text() == page, "and may be written again"


def test_without_a_model_nothing_is_measured(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a look at results against a variable that names a model."""
    claims.measure("vision-0")
    monkeypatch.setenv("SVLM_MODEL", claims.model)
    told, err = claims()
    assert (told["done"], told["measured"], err) == (["vision-0"], [], "")


def test_questions_are_told_of_beside_the_rows(claims: Claims, tmp_path: Path) -> None:
    """Guards a report that is there and unseen, and one that is broken, before anything is measured."""
    claims.results.mkdir()
    copy(ROOT / "docs/claims/full.json", claims.results)
    assert claims()[0]["questions"] is None
    assert "questions" not in claims.table()
    questions = claims.results / "questions.json"
    questions.write_text(json.dumps(asked_report()))
    told, _ = claims("--write", str(tmp_path / "claims.md"))
    assert told["done"] == ["full"]
    assert {name: one["value"] for name, one in told["questions"].items()} == {
        "streaming": 0.625,
        "full": 0.5,
        "chance": 0.3125,
    }
    assert "| **chance** | 0.312 |" in (tmp_path / "claims.md").read_text()
    shown = " ".join(claims.table().split())
    assert shown.endswith(
        "questions Correct answers in total: streaming 0.625 [0.615, 0.645]; full 0.500 [0.490, 0.520]; chance 0.312."
    )
    questions.write_text("{}")
    assert "questions.json is not a report of `svlm eval vqa`" in claims(code=3)[1]
    assert "questions.json is not a report of `svlm eval vqa`" in claims.measure("window", code=3)[1]
    assert sorted(path.name for path in claims.results.iterdir()) == ["full.json", "questions.json"]


def test_training_is_told_of_beside_the_rows(
    claims: Claims, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards a file that is there and unseen, and one that is broken."""
    claims.results.mkdir()
    copy(ROOT / "docs/claims/full.json", claims.results)
    assert claims()[0]["training"] is None
    file = claims.results / "training.json"
    file.write_text(json.dumps(trained_file(trained("plain", 6), trained("apart", 2, "plain", paper=[62.51, 66.18]))))
    told, _ = claims("--write", str(tmp_path / "claims.md"))
    found = {name: one["streaming"]["value"] for name, one in told["training"].items()}
    assert found == {"plain": 0.65, "apart": 0.25}
    assert "\n## Training\n" in (tmp_path / "claims.md").read_text()
    assert main(["eval", "claims", str(claims.results)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "training: apart, streaming The paper: 62.51 against 66.18, lower." in shown
    assert shown.endswith("lower in event F1, agrees.")
    file.write_text("{}")
    assert "training.json is not a report on models" in claims(code=3)[1]


@pytest.mark.extra  # half a minute
def test_the_calls_on_the_page_make_its_questions(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards whoever measures it again: matches, answers and report come of the lines as they stand there."""

    def run(lines: Iterable[str]) -> dict[str, Any]:
        for line in lines:
            call, _, target = line.partition(" > ")
            assert main(shlex.split(call)[1:]) == 0, capsys.readouterr().err
            out = capsys.readouterr().out
            if target:
                Path(target).write_text(out)
        found: dict[str, Any] = json.loads(Path("claims/questions.json").read_text())
        return found

    def go_to(folder: str) -> None:
        (tmp_path / folder / "claims").mkdir(parents=True)
        copy(ROOT / "docs/claims/full.json", tmp_path / folder / "claims")
        (tmp_path / folder / "tiny").symlink_to(tiny_checkpoint)
        monkeypatch.chdir(tmp_path / folder)

    go_to("here")
    ask = "svlm eval vqa ovo-bench asked -m tiny --device cpu --quiet --set vision.min_pixels=784 --max-pixels"
    lines = [
        "svlm simulate --questions asked --matches 1 --minutes 0.25 --seed 5 --quiet",
        f"{ask} 3136 --way recent --way streaming -j 2 -o some.jsonl --recent-frames 3 --fps 1",
        f"{ask} 6272 --way full --way window --answer letters -o 'the others.jsonl' --frames 9",
        "svlm eval vqa report some.jsonl 'the others.jsonl' --json > claims/questions.json",
        "svlm eval claims claims --write claims.md",
    ]
    report, page = run(lines), Path("claims.md").read_text()
    assert [row["way"] for row in report["rows"]] == ["recent", "streaming", "full", "window"]
    go_to("there")
    again = run(shell_lines(page.partition("## Questions")[2]))
    assert again == report
    run(lines[-1:])
    assert Path("claims.md").read_text() == page


def test_pages_that_cannot_be_written(claims: Claims, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a page that somebody wrote by hand, and hours that would end in a missing package."""
    claims.measure("vision-0")
    mine = tmp_path / "mine.md"
    mine.write_text("# Mine\n")
    assert "mine.md exists already, and was not written by" in claims("--write", str(mine), code=2)[1]
    assert mine.read_text() == "# Mine\n"
    assert "not a Markdown file" in claims("--write", str(tmp_path / "page.html"), code=2)[1]
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    asked = ("--model", claims.model, "--row", "full", *LENGTH, "--write", str(tmp_path / "claims.md"))
    assert "needs matplotlib. Install svlm-cli[plots]" in claims(*asked, code=2)[1]
    assert [path.name for path in claims.results.iterdir()] == ["vision-0.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 3, "holds no measured rows. Measure some: name a --model."),
        (["--row", "full"], 2, "Nothing says which model is measured"),
        (["--overwrite"], 2, "Nothing says which model is measured"),
        (["--model", "nobody", "--row", "ful"], 2, "There is no row 'ful'. Did you mean full?"),
        (["--model", "nobody", "--row", "no-overlap"], 2, "--no-overlap-model"),
        (["--model", "nobody", "--row", "full"], 4, "nobody"),
        (["--model", "TINY", "--row", "full", "--minutes", "0"], 2, "0 minutes is not a valid length"),
        (["--model", "TINY", "--row", "full", "--matches", "0"], 2, "--matches"),
    ],
)
def test_requests_that_make_no_sense(claims: Claims, arguments: list[str], code: int, said: str) -> None:
    _, err = claims(*[claims.model if word == "TINY" else word for word in arguments], code=code)
    assert said in err
    assert not claims.results.exists()


def test_a_folder_that_is_none(claims: Claims) -> None:
    """Guards against a traceback, and against hours that end in one."""
    claims.results.write_text("a file")
    assert "is not a folder of results" in claims(code=3)[1]
    assert "is not a folder of results" in claims.measure("full", code=3)[1]
    claims.results.unlink()
    claims.results.mkdir()
    (claims.results / "full.json").write_text("{}")
    assert "full.json is not a result" in claims(code=3)[1]
    assert "full.json is not a result" in claims.measure("window", code=3)[1]


def test_help_names_every_row_and_how_long_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the help, which is written by hand so that it costs no import."""
    monkeypatch.setenv("COLUMNS", "600")  # or the text of an option would be wrapped within its panel
    assert main(["eval", "claims", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    (listed,) = re.findall(r"The rows are (.*?)\. ", said)
    assert re.split(r", | and ", listed) == [row.name for row in ROWS]
    for option, usual in (("matches", MATCHES_AT_ONCE), ("minutes", 30)):
        (defaults,) = re.findall(rf"--{option} .*?default: (.*?), {usual} for the others", said)
        named = {
            row: float(value)
            for value, rows in re.findall(r"(\d+) for ([a-z0-9-]+(?: and [a-z0-9-]+)?)", defaults)
            for row in rows.split(" and ")
        }
        assert named == {row.name: getattr(row, option) for row in ROWS if getattr(row, option) != usual}
