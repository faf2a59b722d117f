"""``svlm doctor``: what is there of all that svlm needs or can use, and what to do about what is not.

The checks are in ``doctor/``, but for those of the configuration, which commands know alone.
"""

import dataclasses
import json
from collections.abc import Iterator

import typer

from svlm_cli.cli import settings
from svlm_cli.cli.described import leaves
from svlm_cli.cli.environment import VARIABLES
from svlm_cli.cli.every_setting import settings_in_force
from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands import options
from svlm_cli.commands.app import whole
from svlm_cli.core.errors import SvlmError
from svlm_cli.doctor.findings import CheckState, Finding
from svlm_cli.doctor.models import models
from svlm_cli.doctor.software import software
from svlm_cli.doctor.surroundings import cache, environment, here, hub, terminal

app = typer.Typer(add_completion=False)


@app.command("doctor")
def doctor(as_json: options.Json = False, offline: options.Offline = False) -> None:
    """Check this machine for what svlm needs, and say what to do about what is missing.

    Each line is `ok`, `optional` (not needed for captions), `warning` (present, but not as it should be) or `missing`.
    Unless --offline, it also checks that the hub can be reached. Exits with 0 if captions can be made, else with 1.
    """
    findings = [one.presentable() for one in _findings(offline=offline)]
    ready = all(finding.state is not CheckState.MISSING for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ready": ready, "checks": [dataclasses.asdict(one) for one in findings]}, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.state.upper():<9} {finding.name:<16} {finding.detail}")
            if finding.advice:
                typer.echo(f"{'':<26} {finding.advice}")
        warnings = sum(one.state is CheckState.WARNING for one in findings)
        told = "Captions can be made" if ready else "Captions cannot be made yet: see what is missing"
        typer.echo(f"\n{told}{f'; warnings: {warnings}' if warnings else ''}.")
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


def _findings(*, offline: bool) -> Iterator[Finding]:
    yield from software()
    yield from models()
    yield from (cache(), here(), terminal(), configuration())
    yield from environment({one.name: one.secret for one in VARIABLES} | dict.fromkeys(_option_variables(), False))
    yield hub(offline=offline)


def configuration() -> Finding:
    """The configuration file, and whether it can be understood as a whole."""
    try:
        found = settings.read()
        if not found.exists:
            return Finding("config", CheckState.OK, f"none; it would be {found.path}")
        count = sum(one.source == "config" for one in settings_in_force(whole(), found))
    except ImportError as error:
        return Finding("config", CheckState.WARNING, f"It cannot be checked: {error}", "Install svlm-cli again.")
    except SvlmError as error:
        return Finding("config", CheckState.WARNING, error.message, error.hint)
    return Finding("config", CheckState.OK, f"{found.path}: {count} settings; `svlm config` shows all")


def _option_variables() -> list[str]:
    try:
        root = whole()
    except ImportError:  # a package is missing, which other lines say
        return [settings.variable_of(key) for key in settings.SHARED]
    commands = [root, *(command for _, command in leaves(root))]
    return [one.envvar for command in commands for one in command.params if one.envvar]
