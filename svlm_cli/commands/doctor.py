"""``svlm doctor``: what is there of all that svlm needs or can use, and what to do about what is not.

The checks are in ``software.py`` and ``surroundings.py``.
"""

import dataclasses
import json
from collections.abc import Iterator

import typer

from svlm_cli.commands import options
from svlm_cli.commands.findings import CheckState, Finding
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.software import software
from svlm_cli.commands.surroundings import surroundings

app = typer.Typer(add_completion=False)


@app.command("doctor")
def doctor(as_json: options.Json = False, offline: options.Offline = False) -> None:
    """Say what is there, and what to do about what is not.

    Each line is ok; optional: captions do without it; warning: there, but not as it should be; or missing. The hub
    is asked whether it is there, unless --offline. Exits with 0 if captions could be made, else with 1.
    """
    findings = [one.presentable() for one in _findings(offline=offline)]
    ready = all(finding.state is not CheckState.MISSING for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ready": ready, "checks": [dataclasses.asdict(one) for one in findings]}, indent=2))
    else:
        for finding in findings:
            _print(finding)
        warnings = sum(one.state is CheckState.WARNING for one in findings)
        typer.echo(_verdict(ready=ready, warnings=warnings))
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


def _verdict(*, ready: bool, warnings: int) -> str:
    told = "Captions can be made" if ready else "Captions cannot be made yet: see what is missing"
    return f"\n{told}{f'; warnings: {warnings}' if warnings else ''}."


def _print(finding: Finding) -> None:
    typer.echo(f"{finding.state.upper():<9} {finding.name:<16} {finding.detail}")
    if finding.advice:
        typer.echo(f"{'':<26} {finding.advice}")


def _findings(*, offline: bool) -> Iterator[Finding]:
    yield from software()
    yield from surroundings(offline=offline)
