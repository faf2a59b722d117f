"""Commands without --model: they take the model that comes with svlm, and captions say what that is."""

import json
import shutil
from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL, MATCH_MODEL
from svlm_cli.checkpoints.guide import GUIDE_FILE
from svlm_cli.evals.footage.counts import FootageRate
from svlm_cli.evals.footage.report import FootageScript, score
from svlm_cli.evals.script import write_script
from svlm_cli.simulator.footage.footage import EndlessFootage
from tests.conftest import ROOT, Svlm
from tests.servers.web import WebServer
from tests.subtitle_checker import check_srt

DEMO_SEED, DEMO_SECONDS = 4242, 30  # of `svlm simulate`
FOOTAGE_SEED = 4  # of `svlm simulate --footage`


@pytest.fixture
def mini(tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default model, in a catalog of one's own: tiny, with random weights."""
    folder = tmp_path / "models" / DEFAULT_MODEL
    shutil.copytree(tiny_checkpoint, folder)
    (folder / "policy.toml").write_text("[vision]\nmin_pixels = 3_136\nmax_pixels = 12_544\n")
    shutil.copy(ROOT / "models" / DEFAULT_MODEL / GUIDE_FILE, folder)
    monkeypatch.setattr(catalog, "models_folder", lambda: folder.parent)
    return folder


def sentences(stderr: str) -> list[str]:
    """What svlm says of its own: phrases begin with their time, results with the video's name."""
    return [line for line in stderr.splitlines() if line.startswith("svlm:")]


@pytest.mark.parametrize("style", ["auto", "bar", "none"])
def test_a_caption_says_whose_it_is(svlm_inside: Svlm, here: Path, mini: Path, style: str) -> None:
    """Guards those who caption a real match with a model that has seen none: one line, with the way out."""
    done = svlm_inside("caption", here.name, "--progress", style)
    assert done.returncode == 0, done.stderr
    assert check_srt(here.with_suffix(".srt").read_text(encoding="utf-8")) == []
    (line,) = sentences(done.stderr)
    assert DEFAULT_MODEL in line
    model = line.partition("--model ")[2].rstrip(".")
    assert (ROOT / "models" / model / "policy.toml").is_file()


def test_stdout_stays_data(svlm_inside: Svlm, here: Path, mini: Path) -> None:
    done = svlm_inside("caption", here.name, "-f", "jsonl", "-o", "-")
    assert all(json.loads(line)["end"] for line in done.stdout.splitlines())
    assert len(sentences(done.stderr)) == 1


@pytest.mark.parametrize("live", [False, True])
def test_what_programs_read_says_whose_it_is(svlm_inside: Svlm, here: Path, mini: Path, live: bool) -> None:
    """Guards JSON against words that nobody can tell the source of, once quiet has kept the line about it back."""
    with WebServer(here.parent) as server:
        source = server.url(f"/{here.name}") if live else here.name
        options = ("-f", "json,jsonl", "-q", "--output-dir", "said")
        done = svlm_inside("caption", source, *options, *(("--name", "clip") if live else ()))
    assert (done.returncode, done.stderr) == (0, "")
    (document,), (lines,) = ([*(here.parent / "said").glob(f"*.{suffix}")] for suffix in ("json", "jsonl"))
    assert json.loads(document.read_text())["model"] == DEFAULT_MODEL
    assert {json.loads(line)["model"] for line in lines.read_text().splitlines()} == {DEFAULT_MODEL}


@pytest.mark.parametrize("options", [("--model", DEFAULT_MODEL), ("--quiet",)])
def test_who_chose_is_not_told(svlm_inside: Svlm, here: Path, mini: Path, options: tuple[str, ...]) -> None:
    """Guards scripts and those who know: a model that was named needs no introduction, and quiet is quiet."""
    done = svlm_inside("caption", here.name, *options)
    assert done.returncode == 0, done.stderr
    assert sentences(done.stderr) == []


FORM = """[vision]
min_pixels = 3_136
max_pixels = 12_544
[prompt]
context_form = '[Gg]ame: \\w+, \\w+'
context_hint = "Write it like\\u001b[2J this."
"""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "svlm: This model needs a context. Write it like this."),
        (("--context", "reds"), "svlm: This model does not understand the context. Write it like this."),
        (("--context", "game: reds, blues "), ""),
        (("-q",), ""),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_a_context_that_means_nothing_to_the_model_is_told(
    svlm_inside: Svlm, here: Path, mini: Path, live: bool, options: tuple[str, ...], told: str
) -> None:
    """Guards against invented names: one line, of a file as of what is watched, in the checkpoint's own words."""
    (mini / "policy.toml").write_text(FORM)
    with WebServer(here.parent) as server:
        source = server.url(f"/{here.name}") if live else here.name
        done = svlm_inside("caption", source, "--model", DEFAULT_MODEL, "-o", "-", "--end", "1", *options)
    assert done.returncode == 0, done.stderr
    about = [line for line in sentences(done.stderr) if "context" in line]
    assert about == ([told] if told else [])


@pytest.mark.parametrize(
    ("context", "speaks"),
    [("", DEFAULT_MODEL), ("game: reds, blues ", MATCH_MODEL), ("a street at night", DEFAULT_MODEL)],
)
def test_a_context_chooses_who_speaks(svlm_inside: Svlm, here: Path, mini: Path, context: str, speaks: str) -> None:
    """Guards against names that are made up, and against a match that nobody names anything in."""
    shutil.copytree(mini, other := mini.with_name(MATCH_MODEL))
    (other / "policy.toml").write_text(FORM)
    done = svlm_inside("caption", here.name, "--context", context, "-f", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(here.with_suffix(".json").read_text())["model"] == speaks
    assert sentences(done.stderr)[0].startswith(f"svlm: {speaks} speaks: ")


def test_the_variable_names_a_model_too(
    svlm_inside: Svlm, here: Path, mini: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards SVLM_MODEL, and `--model "$UNSET"`, which must not pass for no option at all."""
    monkeypatch.setenv("SVLM_MODEL", str(mini))
    assert sentences(svlm_inside("caption", here.name).stderr) == []
    done = svlm_inside("caption", here.name, "--overwrite", "--model", "")
    assert done.returncode == 4
    assert "No model is called ''" in done.stderr


def test_an_error_comes_alone(svlm_inside: Svlm, here: Path, mini: Path) -> None:
    """Guards against an introduction to words that are never said."""
    done = svlm_inside("caption", "gone.mp4")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    (mini / "model.safetensors").unlink()
    done = svlm_inside("caption", here.name)
    assert done.returncode == 4
    assert done.stderr.startswith(f"svlm: The model {DEFAULT_MODEL} is broken")
    assert len(done.stderr.splitlines()) == 1


def test_a_bench_takes_it_as_well(svlm_inside: Svlm, mini: Path) -> None:
    """Guards one default for all commands. A bench shows no words, so nothing is to be said of them."""
    done = svlm_inside("bench", "latency", "--json", "--rounds", "2", "--tokens", "2", "--size", "56x56")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["setting"]["model"] == DEFAULT_MODEL
    assert done.stderr == ""


def test_it_is_listed_as_ready(svlm_inside: Svlm, mini: Path) -> None:
    """Guards `svlm models`: nothing to fetch, and its folder is where it lies."""
    (row,) = json.loads(svlm_inside("models", "list", "--json").stdout)
    assert (row["name"], row["embedded"], row["present"], row["folder"]) == (DEFAULT_MODEL, True, True, str(mini))
    assert svlm_inside("models", "pull", DEFAULT_MODEL).stdout == f"{mini}\n"


@pytest.mark.parametrize("options", [(), pytest.param(("--fps", "8"), marks=pytest.mark.extra)])
def test_the_clip_of_the_demo_is_told_as_it_happens(
    svlm_inside: Svlm, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Guards the first minute of everybody who installs svlm: weights, policy, decoder and engine together."""
    assets = ROOT / "docs" / "assets"
    clip = shutil.copy(assets / "match.mp4", tmp_path)
    context = assets / "match.context.txt"
    done = svlm_inside("caption", clip, "--context", f"@{context}", "-f", "jsonl", "-o", "-", "--quiet", *options)
    said = [json.loads(line)["text"].strip() for line in done.stdout.splitlines()]
    assert said == [text.strip() for text in write_script(DEMO_SEED, DEMO_SECONDS).texts]


def test_the_footage_of_the_demo_is_told_truly(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards what everybody hears of their first own video: sentences of its world alone, nearly all of them true."""
    clip = shutil.copy(ROOT / "docs" / "assets" / "footage.mp4", tmp_path)
    done = svlm_inside("caption", clip, "-f", "jsonl", "-o", "-", "--quiet")
    said = tuple(json.loads(line)["text"] for line in done.stdout.splitlines())
    report = score([FootageScript.of(EndlessFootage(FOOTAGE_SEED), DEMO_SECONDS)], [said], {})
    assert report.unread == 0
    value = report.rates[FootageRate.ALL].value
    assert value is not None
    assert value > 0.7
