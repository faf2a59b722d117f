"""The house rules that no linter knows: sizes, unfinished work, what lies where, what importing costs."""

import ast
import contextlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment

MAX_LINES_FILE, MAX_LINES_FUNCTION = 400, 60
TOP_LEVEL = {
    "svlm_cli",
    "models",
    "tests",
    "docs",
    "pyproject.toml",
    "README.md",
    "Makefile",
    "constraints.txt",
    "LICENSE",
}
MADE = {"dist", "build"}  # ignored by git
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|NotImplementedError\(\)|\bfor no[w]\b")
SOURCES = sorted(path for folder in ("svlm_cli", "tests") for path in (ROOT / folder).rglob("*.py"))
STARTS_PROGRAMS = re.compile(
    r"subprocess\.(?:Popen|run|call|check_\w+|getoutput)\(|os\.(?:system|popen|spawn\w+|exec\w+)\("
)
STARTER = "svlm_cli/core/process.py"
LIGHT_PACKAGES = (
    "core",
    "simulator",
    "checkpoints",
    "media",
    "outputs",
    "sources",
    "chat",
    "jsonl",
    "curation",
    "doctor",
    "cli",
    "commands",
)
GPU_ONLY = "kernels"  # a folder, whose modules import a compiler for GPUs
MEDIA_FREE_PACKAGES = ("compute", "networks", "engine", "training", "bench")


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(_module(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if lines > MAX_LINES_FUNCTION:
                yield f"{_relative(path)}:{node.lineno} {node.name}: {lines} lines"


def test_files_hold_one_noun() -> None:
    """Guards against the monolith, which grows one small addition at a time."""
    lines = {_relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > MAX_LINES_FILE} == {}


def test_functions_fit_a_screen() -> None:
    """Guards against the function that nobody reads to its end."""
    assert [row for path in SOURCES for row in _long_functions(path)] == []


def test_nothing_is_left_for_later() -> None:
    """Guards against stubs that look finished from outside: what is not done is an issue, not a comment."""
    marks = [
        f"{_relative(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marks == []


def test_every_module_says_what_it_is_for() -> None:
    """Guards the reader's first question. Empty packages of tests have nothing to say."""
    modules = {path: _module(path) for path in SOURCES}
    silent = [_relative(path) for path, module in modules.items() if module.body and not ast.get_docstring(module)]
    assert silent == []


def test_a_public_class_name_means_one_thing() -> None:
    """Guards the reader who searches for a name, and finds a second class that is called the same."""
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        if path.is_relative_to(ROOT / "svlm_cli"):
            for node in ast.walk(_module(path)):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(f"{_relative(path)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def _imports(path: Path) -> Iterator[str]:
    """The modules of svlm that a module imports, in its functions too."""
    for node in ast.walk(_module(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def test_commands_import_one_another_in_no_circle() -> None:
    """Guards the commands against modules that can only be read together; an import in a function hides the circle."""
    folder = ROOT / "svlm_cli" / "commands"
    modules = {f"svlm_cli.commands.{path.stem}": path for path in folder.glob("*.py") if path.stem != "__init__"}
    imports = {name: modules.keys() & set(_imports(path)) for name, path in modules.items()}
    with contextlib.suppress(StopIteration):
        while True:  # leave out what imports nothing that is left
            done = next(name for name, wanted in imports.items() if not wanted & imports.keys())
            del imports[done]
    assert imports == {}


def test_the_top_level_holds_nothing_else() -> None:
    """Guards against debris: scripts, notes and results that somebody put down."""
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - MADE - TOP_LEVEL == set()


def test_tests_mirror_the_code() -> None:
    """Guards finding the tests of a module, and against a package that has none."""
    packages = {path.parent for path in (ROOT / "svlm_cli").rglob("*.py") if path.name != "__init__.py"}
    folders = [package.relative_to(ROOT / "svlm_cli") for package in packages]
    assert [str(folder) for folder in folders if not any((ROOT / "tests" / folder).glob("test_*.py"))] == []
    tests = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [_relative(folder) for folder in tests if not (folder / "__init__.py").is_file()] == []


def test_every_dependency_is_pinned_within_its_range() -> None:
    """Guards reproducible runs: pip takes a version that constraints.txt forgets from wherever it stands today."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(line) for line in [*project["dependencies"], *extras["train"], *extras["test"]]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert [str(one) for one in wanted if one.name not in pins or pins[one.name] not in one.specifier] == []


def test_programs_are_started_in_one_place() -> None:
    """Guards against a program that outlives svlm or gets its passwords. `man` needs the terminal, and goes with it."""
    ours = [path for path in SOURCES if path.is_relative_to(ROOT / "svlm_cli")]
    found = {_relative(path) for path in ours if STARTS_PROGRAMS.search(path.read_text(encoding="utf-8"))}
    assert found == {STARTER, "svlm_cli/commands/man.py"}


def _import_all(packages: tuple[str, ...], absent: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Imports every module of ``packages`` where importing one of ``absent`` fails."""
    modules = [
        _relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for package in packages
        for path in sorted((ROOT / "svlm_cli" / package).rglob("*.py"))
        if path.parent.name != GPU_ONLY
    ]
    script = f"import sys, importlib\nsys.modules.update(dict.fromkeys({absent!r}))\n"
    script += f"for module in {modules!r}: importlib.import_module(module)"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("packages", "absent"),
    [
        pytest.param(LIGHT_PACKAGES, ("torch", "transformers", "decord"), id="light"),
        pytest.param(  # ten seconds; import-linter holds the same without a start
            MEDIA_FREE_PACKAGES, ("decord", "srt", "ffmpeg", "imageio_ffmpeg"), id="media-free", marks=pytest.mark.extra
        ),
    ],
)
def test_packages_import_without(packages: tuple[str, ...], absent: tuple[str, ...]) -> None:
    """Guards quick commands, and engines on machines that read no media."""
    done = _import_all(packages, absent)
    assert done.returncode == 0, done.stderr
