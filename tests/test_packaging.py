"""The wheel, as a stranger gets it: built, installed into another environment, run far from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

from svlm_cli.core.version import __version__
from tests.clips import make_clip
from tests.conftest import ROOT
from tests.subtitle_checker import check_srt

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _check_run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    _check_run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ROOT)
    (path,) = folder.glob("*.tar.gz")
    return path


@dataclass(frozen=True, slots=True)
class Installation:
    """Another environment with the wheel in it."""

    folder: Path
    somewhere: Path  # a folder that knows nothing of the checkout

    def run(self, *command: str | Path) -> str:
        """Runs one of its programs there; returns its stdout."""
        names = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        program = self.folder / "bin" / command[0]
        return _check_run(program, *command[1:], cwd=self.somewhere, env=names)


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What the wheel depends on is lent by the environment of these tests: installing torch again takes a minute."""
    folder = tmp_path_factory.mktemp("installation")
    environment = {**os.environ, "VIRTUALENV_OVERRIDE_APP_DATA": str(folder / "seeds")}
    options = ["--quiet", "--no-download", "--no-periodic-update", "--python", sys.executable]
    _check_run(sys.executable, "-m", "virtualenv", *options, folder / "venv", env=environment)
    python = folder / "venv" / "bin" / "python"
    _check_run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel, cwd=folder)
    (site_packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "lent.pth").write_text("\n".join(sorted(lent)) + "\n")  # after its own packages on the path
    (folder / "somewhere").mkdir()
    return Installation(folder / "venv", folder / "somewhere")


def _check_run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _code() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "svlm_cli").rglob("*.*") if path.suffix != ".pyc"}


def _models() -> dict[str, int]:
    """Bytes of each file in models/, weights of embedded models included, by its path in the checkout."""
    files = [path for path in (ROOT / "models").rglob("*") if path.is_file()]
    assert files
    return {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in files}


def test_wheel_holds_the_code_the_models_and_the_licence(wheel: Path) -> None:
    """Guards against wheels that work in a checkout alone, and against any that hold more, as tests or caches."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {one.filename: one.file_size for one in archive.infolist()}
    about = {name for name in sizes if name.startswith(f"svlm_cli-{__version__}.dist-info/")}
    models = {f"svlm_cli/_{name}": size for name, size in _models().items()}
    manual = f"svlm_cli-{__version__}.data/data/share/man/man1/svlm.1"  # where man looks, beside bin
    assert sizes.keys() - about == _code() | models.keys() | {manual}
    assert {name: sizes[name] for name in models} == models
    assert any(name.endswith("/licenses/LICENSE") for name in about)
    assert "svlm_cli/py.typed" in sizes


def test_sdist_makes_the_same(sdist: Path) -> None:
    """Guards those who build from source: no file of a model is left out, and nothing that was made is put in."""
    with tarfile.open(sdist) as archive:
        sizes = {one.name.partition("/")[2]: one.size for one in archive if one.isfile()}
    assert {name: size for name, size in sizes.items() if name.startswith("models/")} == _models()
    assert {name for name in sizes if name.startswith("svlm_cli/")} == _code()
    top = {"svlm_cli", "models", "tests", "docs", "Makefile", "constraints.txt"}
    made = {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}
    assert {name.split("/")[0] for name in sizes} <= top | made


def test_wheel_is_described(wheel: Path) -> None:
    """Guards the names that the README tells people to install."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode("utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("svlm-cli", __version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")
    extras = {"eval", "flash", "fleet", "plots", "pocketsphinx", "speech", "tensorboard", "train", "test"}
    assert set(metadata.get_all("Provides-Extra") or ()) == extras


def test_installed_command_knows_its_version(installation: Installation) -> None:
    """Guards the one place where the version stands."""
    assert installation.run("svlm", "--version") == f"svlm {__version__}\n"
    assert installation.run("python", "-m", "svlm_cli", "--version") == f"svlm {__version__}\n"


def test_installed_package_is_not_the_checkout(installation: Installation) -> None:
    """Guards the other tests of this file, which prove nothing if the checkout is what they run."""
    path = installation.run("python", "-c", "import svlm_cli; print(svlm_cli.__file__)")
    assert Path(path.strip()).is_relative_to(installation.folder)


def test_installed_package_is_typed(installation: Installation) -> None:
    """Guards programs that use it: without `py.typed` every name of ours is `Any`, and an error to `mypy --strict`."""
    program = installation.somewhere / "program.py"  # beside its package of tests, the checkout would be read
    shutil.copy(ROOT / "tests" / "library" / "program.py", program)
    assert installation.run("python", "-m", "mypy", "--strict", program).startswith("Success")
    wrong = installation.somewhere / "wrong.py"
    wrong.write_text("from svlm_cli import load_engine\nload_engine(mode='foo', max_streams='2')\n")
    with pytest.raises(AssertionError, match="max_streams"):
        installation.run("python", "-m", "mypy", "--strict", wrong)


def test_installed_command_finds_its_models(installation: Installation) -> None:
    """Guards `--model NAME` for everybody who has no checkout."""
    listed = json.loads(installation.run("svlm", "models", "list", "--json"))
    assert {model["name"] for model in listed} == {path.name for path in (ROOT / "models").iterdir() if path.is_dir()}


def test_installed_command_finds_its_prompts(installation: Installation) -> None:
    """Guards what a judge is asked, which is data and no code."""
    assert "{reference}" in installation.run("svlm", "eval", "commentary", "judge", "--show-prompts")


def test_installed_command_captions_a_clip(installation: Installation, tiny_checkpoint: Path) -> None:
    """Guards the whole way from a video to its subtitles, for everybody who has no checkout."""
    clip = make_clip(installation.somewhere / "clip.mp4", frames=60)
    installation.run("svlm", "caption", clip.name, "--model", tiny_checkpoint, "--quiet")
    assert check_srt(clip.with_suffix(".srt").read_text(encoding="utf-8")) == []
