"""Commands that measure or take long: tables for people, JSON where it is asked for, and silence for who wants it."""

import json
from pathlib import Path

from svlm_cli.cli.described import leaves, options
from svlm_cli.commands import app as application
from tests.conftest import Svlm

NOTHING_TO_TELL = {
    "bench renderer",
    "bench video",
    "config",
    "doctor",
    "eval commentary report",
    "eval commentary timeliness",
    "eval livesports report",
    "eval vqa report",
    "man",
    "models list",
    "models recommend",
    "models show",
    "train export",
    "train plot",
}


def test_whatever_tells_progress_can_be_quiet() -> None:
    """Guards the next long command against forgetting --quiet; those that tell nothing meanwhile are named."""
    commands = {" ".join(path): {one.key for one in options(command)} for path, command in leaves(application.whole())}
    assert {name for name, keys in commands.items() if "quiet" not in keys} == NOTHING_TO_TELL
    measuring = {name for name in commands if name.startswith(("bench ", "eval "))}
    assert {name for name in measuring if "json" not in commands[name]} == {"bench video"}


def test_a_seed_is_explained_by_what_it_picks() -> None:
    """Guards against "the same words" where a seed says which match is played."""
    picks: dict[str, str] = {}
    for path, command in leaves(application.whole()):
        picks |= {" ".join(path): one.parameter.help for one in options(command) if one.key == "seed"}
    matches = {name for name, text in picks.items() if text.startswith("Seed of the match")}
    assert matches == {"eval claims", "eval footage", "eval match", "simulate"}


def test_a_bench_shows_a_table_or_json(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    """Guards the screen against JSON that nobody asked for, and programs against a table."""
    asked = ("--model", tiny_checkpoint, "--rounds", "2", "--tokens", "2", "--size", "56x56")
    for name, heading in (("latency", "token ms"), ("stages", "prefill"), ("streams", "live")):
        more = ("--most", "1", "--step", "1") if name == "streams" else ()
        table = svlm_inside("bench", name, *asked, *more)
        assert table.returncode == 0, table.stderr
        assert heading in " ".join(table.stdout.split())
        assert "{" not in table.stdout
        document = svlm_inside("bench", name, *asked, *more, "--json", "--quiet")
        assert json.loads(document.stdout)["bench"] == name
        assert document.stderr == ""
        assert ("1 streams: " in table.stderr) == (name == "streams")


def test_a_fleet_is_simulated_and_plotted(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards the numbers of the documentation: tables for people, the whole setting and NaN as null for programs."""
    small = ("--nodes", "4", "--gpus", "2", "--cameras", "300", "--hours", "0.1")
    plot = tmp_path / "fleet.svg"
    table = svlm_inside("bench", "fleet", "--simulate", *small, "--plot", plot)
    assert table.returncode == 0, table.stderr
    assert "watched twice" in " ".join(table.stdout.split())
    assert plot.read_text(encoding="utf-8").startswith("<?xml")
    document = json.loads(svlm_inside("bench", "fleet", "--simulate", *small, "--json", "--quiet").stdout)
    assert (document["bench"], document["setting"]["cameras"], document["setting"]["lost"]) == ("fleet", 300, 1e-4)
    assert document["results"][0]["watched_twice"] == 0
    assert None in {one["p50_s"] for one in document["results"][0]["recoveries"]}


def test_a_fleet_is_not_measured_by_mistake(svlm_inside: Svlm) -> None:
    """Guards against taking a simulation for a measurement."""
    done = svlm_inside("bench", "fleet")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--simulate" in done.stderr
