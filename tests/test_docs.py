"""README.md and docs/: links lead somewhere, commands and options exist, pictures show the numbers of the policy."""

import re
import shlex
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from svlm_cli.cli import settings
from svlm_cli.cli.described import leaves
from svlm_cli.cli.described import options as described
from svlm_cli.cli.environment import VARIABLES
from svlm_cli.cli.every_setting import settings_in_force
from svlm_cli.cli.manual import manual_of
from svlm_cli.cli.messages import EXIT_CODES
from svlm_cli.commands import app as application
from svlm_cli.commands.app import whole
from svlm_cli.commands.command_table import COMMANDS
from svlm_cli.core.policy import StreamPolicy
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PICTURES = sorted((ROOT / "docs" / "assets").glob("*.svg"))
SHELL_LANGUAGES = {"sh", "console"}
SVG = "{http://www.w3.org/2000/svg}"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANY_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_MACHINE_PATH = re.compile(r"(?<![\w.])(/(work|home|root|tmp|Users|mnt|opt|var)/|[A-Z]:\\)\S*")
_CODE_PATH = re.compile(r"\.?\w[\w.]*(/\w[\w.]*)*(/\w+\.py|/)")
_OPTION = re.compile(r"--?[a-z][\w-]*")


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page)


def anchors(page: str) -> set[str]:
    """The names that links may point to, as code hosts make them of headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(prose(page))
    }


def broken_links(page: str, folder: Path) -> list[str]:
    """Relative links and pictures that lead nowhere, from a page in `folder`."""
    broken = []
    for target in _LINK.findall(prose(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = folder / name
        linked = (
            page if not name else path.read_text(encoding="utf-8") if path.suffix == ".md" and path.exists() else ""
        )
        if not path.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    return broken


def shell_lines(page: str) -> Iterator[str]:
    """The commands in a page's fenced blocks; in `console` blocks those are the lines after a `$`."""
    for language, body in _FENCE.findall(page):
        if language not in SHELL_LANGUAGES:
            continue
        for line in body.replace("\\\n", " ").splitlines():
            if language == "sh" or line.startswith("$ "):
                yield line.removeprefix("$ ")


def programs(line: str) -> Iterator[list[str]]:
    """Each program of a command line with its arguments; redirections and variables in front are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "@=,:"
    words: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;()"):
            if words:
                yield words
            words = []
        elif set(word) <= set("<>"):
            redirected = True
        elif redirected:
            redirected = False
        elif words or not re.match(r"[A-Z_]+=", word):
            words.append(word)


def svlm_fault(arguments: list[str]) -> str:
    """Why `svlm` would not understand this; empty if it would. Nothing is run."""
    command: Any = application._root()
    context = typer.Context(command, info_name="svlm")
    while True:
        rest = list(arguments)
        try:
            values, rest, _ = command.make_parser(context).parse_args(rest)
            if not hasattr(command, "commands"):
                for parameter in command.params:
                    if parameter.required or values.get(parameter.name) is not None:
                        parameter.process_value(context, values.get(parameter.name))
                return f"{' '.join(rest)} is left over" if rest else ""
            if not rest:
                return ""
            name, command, arguments = command.resolve_command(context, rest)
        except typer.TyperException as error:
            return error.format_message()
        context = typer.Context(command, info_name=name, parent=context)


def make_fault(targets: list[str]) -> str:
    """Which targets the Makefile lacks."""
    known = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    if "-f" in targets:
        return ""  # a Makefile that the page itself shows
    unknown = [target for target in targets if "=" not in target and target not in known]
    return f"the Makefile has no {', '.join(unknown)}" if unknown else ""


def faults(page: str) -> list[str]:
    """The command lines of a page, fenced or inline, that name what is not there."""
    inline = [code for code in _INLINE.findall(prose(page)) if code.startswith("make ")]
    found = []
    for line in [*shell_lines(page), *inline]:
        for program, *arguments in programs(line):
            check = {"svlm": svlm_fault, "make": make_fault}.get(program.rpartition("/")[2])
            if check is not None and (fault := check(arguments)):
                found.append(f"{line}: {fault}")
    return found


def all_options() -> set[str]:
    """Every option of every command."""
    waiting: list[Any] = [application._root()]
    found = {"-h", "--help"}
    while waiting:
        command = waiting.pop()
        found |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        if isinstance(command, application.LazyGroup):
            waiting += [application._load(name) for name in COMMANDS]
        else:
            waiting += getattr(command, "commands", {}).values()
    return found


def unknown_options(page: str) -> list[str]:
    """Options in a page's prose that no command has."""
    named = [match[0] for code in _INLINE.findall(prose(page)) if (match := _OPTION.match(code))]
    return sorted(set(named) - all_options())


def missing_code(page: str) -> list[str]:
    """Modules and folders named in a page's prose that are not there."""
    named = [code for code in _INLINE.findall(prose(page)) if _CODE_PATH.fullmatch(code) and "NAME" not in code]
    return [code for code in named if not any((root / code).exists() for root in (ROOT, ROOT / "svlm_cli"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_tell_the_truth(page: Path) -> None:
    """Guards the newcomer against commands, options, files and links that were renamed or never written."""
    text = page.read_text(encoding="utf-8")
    assert broken_links(text, page.parent) == []
    assert faults(text) == []
    assert unknown_options(text) == []
    assert missing_code(text) == []
    assert _MACHINE_PATH.search(text) is None


def long_lines(page: str) -> list[str]:
    """Lines of prose over 120 columns; tables, pictures and fenced blocks cannot be wrapped."""
    return [
        line
        for line in _ANY_FENCE.sub("", page).splitlines()
        if len(line) > 120 and not line.lstrip().startswith(("|", "!["))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_fit_an_editor(page: Path) -> None:
    """Guards whoever reads a page, or a change of it, as text."""
    assert long_lines(page.read_text(encoding="utf-8")) == []


def test_a_long_line_is_seen() -> None:
    """Guards the test above; a fence within a list is indented."""
    long = "word " * 25
    assert long_lines(f"{long}\n| {long} |\n```sh\n{long}\n```\n1. x\n\n   ```diff\n   {long}\n   ```\n  {long}\n") == [
        long,
        f"  {long}",
    ]


@pytest.mark.parametrize("name", ["cameras", "claims", "experiments", "performance"])
def test_pages_with_measured_tables_say_on_what(name: str) -> None:
    """Guards figures that nobody can place: a device, a number format and a version belong to each."""
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(r"H[12]00|\bcores\b", text)
    assert re.search(r"bfloat16|float32", text)
    assert re.search(r"(torch|svlm) \d", text)


def test_make_calls_svlm_as_it_is() -> None:
    """Guards `make demo` and `make bench`, which no other test runs, against options that were renamed."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    calls = re.findall(r"^\t\$\(BIN\)/svlm (.+)$", makefile, re.MULTILINE)
    assert {call.split()[0] for call in calls} == {"caption", "bench"}
    assert [call for call in calls if svlm_fault(shlex.split(call))] == []


def test_there_is_something_to_check() -> None:
    """Guards the test above against finding nothing because it does not see."""
    lines = [line for page in PAGES for line in shell_lines(page.read_text(encoding="utf-8"))]
    assert sum(line.startswith("svlm caption ") for line in lines) >= 3
    assert "make test" in lines
    assert "--keep-query" in all_options()


BAD_PAGE = """# Bad
[gone](docs/gone.md) ![gone](gone.svg) [no such part](#worse) [fine](#bad) [far](https://example.org/x)
See `--no-such-option`, `engine/no_such.py` and `make nothing`.
```console
$ svlm caption video.mp4 --model x -f srt,vtt --seed 1 > words.srt
svlm unknown output is not a command
$ svlm caption video.mp4 --model x --frames-per-second 2
$ FFREPORT=1 svlm modles list | cat
```
```sh
svlm models show
svlm caption a.mp4 --model x --mode sideways
cat list | svlm doctor extra  # not an option
make demo && make demoo
```
"""


def test_a_bad_page_is_found_out(tmp_path: Path) -> None:
    """Guards against a check that passes everything: each fault of this page is seen, and nothing else."""
    assert broken_links(BAD_PAGE, tmp_path) == ["docs/gone.md", "gone.svg", "#worse"]
    assert [fault.partition(": ")[0] for fault in faults(BAD_PAGE)] == [
        "svlm caption video.mp4 --model x --frames-per-second 2",
        "FFREPORT=1 svlm modles list | cat",
        "svlm models show",
        "svlm caption a.mp4 --model x --mode sideways",
        "cat list | svlm doctor extra  # not an option",
        "make demo && make demoo",
        "make nothing",
    ]
    assert unknown_options(BAD_PAGE) == ["--no-such-option"]
    assert missing_code(BAD_PAGE) == ["engine/no_such.py"]
    assert _MACHINE_PATH.search("Look into /home/me/svlm.") is not None


def test_the_configuration_page_lists_what_there_is() -> None:
    """Guards the one table of variables and the one of exit codes against code that has moved on."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?(\w+)`? \| (.+) \|$", page, re.MULTILINE)
    root = application.whole()
    commands = [root, *(command for _, command in leaves(root))]
    options = [one for command in commands for one in described(command) if one.parameter.envvar]
    variables = {one.parameter.envvar: f"sets `--{one.key}`" for one in options} | {
        one.name: one.text for one in VARIABLES
    }
    codes = {str(int(code)): text for code, text in EXIT_CODES.items()}
    assert dict(row for row in rows if row[0] != "variable") == variables | codes
    assert all(f"`{key}`" in page for key in settings.SHARED)


def test_every_option_of_caption_is_explained_in_a_guide() -> None:
    """Guards options that only the help knows: by any of its names, in the guides that people read."""
    guides = [ROOT / "docs" / f"{name}.md" for name in ("captions", "cameras", "live-view", "how-it-works")]
    text = "".join(page.read_text(encoding="utf-8") for page in guides)
    named = set(re.findall(r"(?<![\w-])-{1,2}[a-z][\w-]*", text))
    command = dict(leaves(application.whole()))[("caption",)]
    options = [one for one in described(command) if not one.is_argument]
    names = [(*one.parameter.opts, *one.parameter.secondary_opts) for one in options]
    assert [several for several in names if named.isdisjoint(several)] == []


def test_the_configuration_on_its_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards what people copy: each key of the example is known, each value fits."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (example,) = (body for language, body in _FENCE.findall(page) if language == "toml")
    (tmp_path / "config.toml").write_text(example, encoding="utf-8")
    monkeypatch.setenv("SVLM_CONFIG", str(tmp_path / "config.toml"))
    found = {one.key for one in settings_in_force(application.whole(), settings.read()) if one.source == "config"}
    assert {"model", "caption.format", "bench.latency.rounds"} <= found


def test_the_manual_that_is_installed_is_up_to_date() -> None:
    """Guards `man svlm`: wheels carry the page in docs/. Write it anew with `make man`."""
    assert (ROOT / "docs" / "svlm.1").read_text(encoding="utf-8") == manual_of(whole()), "run `make man`"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_pictures_stand_alone(picture: Path) -> None:
    """Guards pictures against dark pages, missing fonts and anything that has to be fetched."""
    root = ET.parse(picture).getroot()
    background = root.find(f"{SVG}rect")
    assert background is not None
    assert background.get("fill") == "#ffffff"
    assert root.get("viewBox") == f"0 0 {background.get('width')} {background.get('height')}"
    assert root.find(f"{SVG}title") is not None
    text = picture.read_text(encoding="utf-8")
    assert re.findall(r"href|url\(|@import|@font-face|<script|<image", text) == []
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}


def blocks_after(round_: int, checkpoint: Path) -> Counter[str]:
    """Tokens of each kind that a stream of the default policy holds: 448 x 448 pixels, 20 tokens said every round."""
    from svlm_cli.engine.eviction import evict
    from svlm_cli.engine.prompt import Part, Prompt
    from svlm_cli.engine.tokenizer import Tokenizer
    from svlm_cli.networks.weights import load_family, load_preprocessor

    policy, family = StreamPolicy(), load_family(checkpoint)
    preprocessor = load_preprocessor(checkpoint, family)
    prompt = Prompt(Tokenizer(checkpoint), policy, family)
    vision, windows = policy.vision, policy.windows
    size = preprocessor.target_size(448, 448, min_pixels=vision.min_pixels, max_pixels=vision.max_pixels)
    grid = preprocessor.merged_grid(policy.frames_per_chunk, *size)
    said = (*[1000] * (policy.sampling.max_new_tokens - len(prompt.marker)), *prompt.marker)
    spans = prompt.opening(())
    for at in range(round_ + 1):
        if at:
            spans = evict(spans, at, windows, lambda words: words[: -len(prompt.marker)]).spans
        query = prompt.text_ids(policy.prompt.query) if at == 0 else ()
        spans += prompt.turn(at, at, at + 1, grid, query) + prompt.answer(at, said)
    blocks: Counter[str] = Counter()
    for span in spans:
        if span.part is Part.PREVIOUS:
            blocks["sink"] = min(len(span), windows.sink_tokens)
            blocks["window"] = len(span) - blocks["sink"]
        else:
            blocks["pixels" if span.part is Part.VISION else "text" if span.round >= 0 else "system"] += len(span)
    return +blocks


@pytest.mark.parametrize("round_", [0, 8, 16, 60, 3600])
def test_picture_of_the_cache_is_to_scale(round_: int, tiny_checkpoint: Path) -> None:
    """Guards the picture against a method that has changed since it was drawn."""
    root = ET.parse(ROOT / "docs" / "assets" / "cache.svg").getroot()
    (row,) = (group for group in root.iter(f"{SVG}g") if group.get("id") == f"round-{round_}")
    drawn: Counter[str] = Counter()
    for block in row.iter(f"{SVG}rect"):
        assert int(block.get("x", "")) == drawn.total(), "blocks lie side by side"
        drawn[block.get("class", "")] += int(block.get("width", ""))
    assert drawn == blocks_after(round_, tiny_checkpoint)
    assert f"{drawn.total():,}" in {text.text for text in root.iter(f"{SVG}text")}
