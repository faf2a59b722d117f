"""``--adapter`` and ``svlm models merge``: an adapter speaks on its base, and merged as it did there."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import svlm_cli
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import UsageError
from tests.adapters import make_tiny_adapter
from tests.conftest import Svlm
from tests.evals.benchmarks.question_sets import ovo_bench, ovo_choice


@pytest.fixture
def adapter(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """With a policy of its own."""
    folder = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    policy = '[sampling]\ntemperature = 0\nmax_new_tokens = 8\n[model]\ntitle = "Tiny"\nlicence = "MIT"\n'
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    return folder


def _texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def _words(done: subprocess.CompletedProcess[str], path: Path) -> list[str]:
    assert done.returncode == 0, done.stderr
    return _texts(path)


def test_merged_it_says_what_it_said_on_its_base(svlm_inside: Svlm, here: Path, adapter: Path) -> None:
    """Guards both ways to use one, and that it is not the base that speaks: the merged folder needs nothing else."""
    caption = ("caption", here, "-f", "jsonl", "--device", "cpu")
    out = [here.with_name(f"{name}.jsonl") for name in ("beside", "merged", "base")]
    beside = _words(svlm_inside(*caption, "--adapter", adapter, "-o", out[0]), out[0])
    merging = svlm_inside("models", "merge", adapter, "-o", "merged")
    assert (merging.returncode, merging.stdout) == (0, "merged\n"), merging.stderr
    base = resolve(None, adapter=adapter).folder
    policy = ("--policy", adapter / "policy.toml")
    assert _words(svlm_inside(*caption, "--model", base, *policy, "-o", out[2]), out[2]) != beside
    shutil.rmtree(adapter)
    assert _words(svlm_inside(*caption, "--model", "./merged", "-o", out[1]), out[1]) == beside
    head = json.loads(out[0].read_text(encoding="utf-8").splitlines()[0])
    assert head["model"] == f"{base} + {adapter}"
    card = (here.parent / "merged" / "README.md").read_text(encoding="utf-8")
    assert card == f"# Tiny\n\nLicence: MIT. Made by `svlm models merge`: {base} + {adapter}, merged.\n"
    assert not list(here.parent.glob(".merged*"))


@pytest.mark.extra  # ten seconds
def test_a_model_of_the_environment_is_not_the_base(
    svlm: Svlm, here: Path, adapter: Path, tiny_checkpoint: Path
) -> None:
    """Guards whoever has a usual model: an adapter knows its own base. Typed, a model wins."""
    ask = ("ask", here, "Who?", "--max-tokens", "4", "--adapter", adapter, "--json", "-q")
    done = svlm(*ask, env={"SVLM_MODEL": "svlm-mini"})
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["model"] == f"{tiny_checkpoint} + {adapter}"
    done = svlm(*ask, "--model", "svlm-mini")
    assert done.returncode != 0
    assert done.stderr.startswith(f"svlm: The adapter {adapter} was trained on another model than this one: ")


def test_a_merge_leaves_other_folders_alone(svlm_inside: Svlm, tmp_path: Path, adapter: Path) -> None:
    """Guards a model that is there, and half a folder after a merge that could not be."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    done = svlm_inside("models", "merge", adapter, "-o", "taken")
    assert done.returncode != 0
    assert "taken exists already. Name a new folder with -o." in done.stderr
    done = svlm_inside("models", "merge", adapter, "-o", "new", "--model", "svlm-mini")
    assert done.returncode != 0
    assert not (tmp_path / "new").exists()


def test_an_engine_takes_an_adapter(adapter: Path, tiny_checkpoint: Path) -> None:
    """Guards programs: the same by `load_engine`, and its own check."""
    engine = svlm_cli.load_engine(adapter=adapter, device="cpu")
    base = svlm_cli.load_engine(tiny_checkpoint, device="cpu")
    assert engine.policy.sampling.max_new_tokens == 8
    changed = [
        name
        for (name, weight), other in zip(engine.network.named_parameters(), base.network.parameters(), strict=True)
        if not weight.equal(other)
    ]
    assert len(changed) == 3
    with pytest.raises(UsageError, match="adapter cannot be 3"):
        svlm_cli.load_engine(adapter=3)  # type: ignore[arg-type]


@pytest.mark.extra  # ten seconds
def test_a_match_is_commented_on_with_it(
    svlm_inside: Svlm, tmp_path: Path, adapter: Path, tiny_checkpoint: Path
) -> None:
    """Guards the scores of an adapter, which must not be those of its base; and files, which nobody plays."""
    match = ("eval", "match", "--minutes", "0.1", "--json", "-q", "--set", "sampling.max_new_tokens=8", "--save")
    done = svlm_inside(*match, "with", "--adapter", adapter)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["setting"]["model"] == f"{tiny_checkpoint} + {adapter}"
    assert (
        svlm_inside(*match, "without", "--model", tiny_checkpoint, "--policy", adapter / "policy.toml").returncode == 0
    )
    with_it, without = (_texts(tmp_path / name / "match-0.jsonl") for name in ("with", "without"))
    assert with_it != without
    done = svlm_inside("eval", "match", "--predictions", "with/match-0.jsonl", "--adapter", adapter)
    assert "With --predictions nothing is played. Leave out --model, --adapter, " in done.stderr


@pytest.mark.extra  # ten seconds
def test_it_is_asked_as_a_model_of_its_own(svlm_inside: Svlm, tmp_path: Path, clip: Path, adapter: Path) -> None:
    """Guards results of an adapter among those of its base; and that it belongs to one model."""
    video = tmp_path / "set" / "src_videos" / "COIN" / "a.mp4"
    video.parent.mkdir(parents=True)
    video.symlink_to(clip)
    ovo_bench(tmp_path / "set", [ovo_choice(1, realtime=3.5)])
    small = ("--set", "vision.min_pixels=784", "--max-pixels", "3136")
    ask = ("eval", "vqa", "ovo-bench", "set", "--json", "-q", *small, "-o")
    base = resolve(None, adapter=adapter).folder
    told = [svlm_inside(*ask, "a.jsonl", "--adapter", adapter), svlm_inside(*ask, "b.jsonl", "-m", base)]
    own, other = (json.loads(one.stdout)["ways"][0] for one in told)
    assert (own["model"], other["model"]) == ("tiny+adapter", "tiny")
    assert own["model_files"] != other["model_files"]
    done = svlm_inside(*ask, "both", "-m", base, "-m", "svlm-mini", "--adapter", adapter)
    assert "--adapter belongs to one model." in done.stderr
