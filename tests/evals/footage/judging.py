"""Is what a model says of the real clips true, and does it say what is there?

    python -m tests.evals.footage.judging CLIPS --model MODEL [--statements]

CLIPS is a folder with the clips, unpacked (README.md beside this file says where they come from). Each statement is
held against the labels of the seconds before it; what a label supports that is not sure counts neither way.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.evals.footage.reading import FootageTelling, Said, read
from svlm_cli.evals.predictions import by_second, read_rounds
from svlm_cli.simulator.footage.statements import Statement, Topic
from tests.evals.footage.labels import CLIPS_S, SETTLED, Label
from tests.evals.footage.labels import read as read_labels

# A sentence ends up to 2 s after it began, what it tells was known up to 2.5 s before that, and began 1 s earlier.
BACK_S: Final = 6.0
CUT_BACK_S: Final = 2.0  # a cut is told at once
AHEAD_S: Final = 0.25  # as exact as labels are
STILL_S: Final = 3.0  # a state is there in half of so many seconds
_LEAST: Final = {"one": 1, "two": 2, "three": 3, "many": 4}
_CUTS: Final = {"cut": "cut", "fade": "fade", "cross-fade": "fade"}
_ASKED: Final = ("enters", "leaves", "moves", "stops")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a statement: what supports it, surely or not."""

    said: Said
    sure: tuple[Label, ...]
    unsure: tuple[Label, ...]

    @property
    def true(self) -> bool | None:
        """None: nobody can say."""
        return True if self.sure else None if self.unsure else False


def judge(said: Said, labels: Sequence[Label]) -> Verdict:
    """A statement against the labels of its clip."""
    found = list(_support(said.statement, said.second + 1.0, labels))
    least = _LEAST[said.statement.count]
    sure = {(one.thing, one.start_s): one for one in found if one.sure}
    every = {(one.thing, one.start_s): one for one in found}
    return Verdict(
        said,
        tuple(sure.values()) if len(sure) >= least else (),
        tuple(every.values()) if len(every) >= least else (),
    )


def _support(statement: Statement, end_s: float, labels: Sequence[Label]) -> Iterable[Label]:
    near = [one for one in labels if one.start_s <= end_s + AHEAD_S and one.end_s >= end_s - BACK_S]
    what = statement.what
    match statement.topic:
        case Topic.CUT:
            return [one for one in near if _begins(one, "shot", _CUTS[what], end_s - CUT_BACK_S)]
        case Topic.CAMERA if what == "stops":
            return [one for one in near if _begins(one, "camera", "still", end_s - BACK_S)]
        case Topic.CAMERA:
            does = "moves otherwise" if what == "moves" else what
            return [one for one in near if one.kind == "camera" and does in _values(one, "does")]
        case Topic.STILL:
            still = [one for one in near if one.kind == "motion" and "nothing" in _values(one, "amount")]
            return [one for one in still if _lasts(one, end_s - STILL_S, end_s) >= STILL_S / 2]
        case Topic.LIGHT:
            wanted = {"darker": "changes", "brighter": "changes"}.get(what, what)
            return [one for one in near if one.kind == "light" and wanted in _values(one, "is")]
        case Topic.ENTERS | Topic.LEAVES | Topic.STOPS | Topic.MOVES:
            return [one for one in near if one.kind == statement.topic and _fits(one, statement)]
    return []  # nobody has labelled weather, or a picture that is none


def _fits(label: Label, statement: Statement) -> bool:
    if statement.size and statement.size not in _values(label, "size"):
        return False
    if label.kind == "moves":
        return label.values["direction"] == statement.what or (
            not statement.what and label.values["direction"] != "about"
        )
    if label.kind == "stops":
        return any(str(place).startswith(statement.what) for place in _values(label, "place"))
    return statement.what in _values(label, "side")


def _values(label: Label, name: str) -> tuple[object, ...]:
    return (label.values[name], *label.also.get(name, ()))


def _begins(label: Label, kind: str, value: str, from_s: float) -> bool:
    return label.kind == kind and value in label.values.values() and label.start_s >= max(from_s, AHEAD_S)


def _lasts(label: Label, start_s: float, end_s: float) -> float:
    return min(label.end_s, end_s) - max(label.start_s, start_s)


def asked(labels: Sequence[Label]) -> list[list[Label]]:
    """What may be asked for: each is said if one of its labels is. Who goes left and away may be said to do either."""
    found: list[list[Label]] = []
    for label in labels:
        if label.kind == "shot" and label.values["how"] != "start" and label.sure:
            found.append([label])
        if label.kind == "camera" and label.values["does"] != "still" and label.sure:
            found.append([label])
        if label.kind not in _ASKED or not label.sure or label.values.get("direction") == "about":
            continue
        same = (group for group in found if _is_of_one(group[0], label))
        group = next(same, None)
        if group is None:
            found.append([label])
        else:
            group.append(label)
    return found


def _is_of_one(one: Label, other: Label) -> bool:
    if one.kind != "moves" or other.kind != "moves" or one.thing != other.thing:
        return False
    return _lasts(one, other.start_s, other.end_s) > 0.5 * min(one.end_s - one.start_s, other.end_s - other.start_s)


def comment(clip: Path, model: str, seconds: int) -> list[str]:
    """What a model says in each second."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "said.jsonl"
        command = [
            sys.executable,
            "-m",
            "svlm_cli",
            "caption",
            str(clip),
            "--model",
            model,
            "-f",
            "jsonl",
            "-o",
            str(told),
        ]
        subprocess.run([*command, "--quiet"], check=True)
        return list(by_second(read_rounds(told), seconds))


def judge_clip(telling: FootageTelling, labels: Sequence[Label]) -> tuple[Counter[str], list[Verdict]]:
    """All statements about a clip: counts, and what became of each."""
    verdicts = [judge(said, labels) for said in telling.statements]
    supported = {id(label) for one in verdicts for label in one.sure}
    wanted = asked(labels)
    counts = Counter(
        {
            "true": sum(one.true is True for one in verdicts),
            "false": sum(one.true is False for one in verdicts),
            "open": sum(one.true is None for one in verdicts),
            "asked": len(wanted),
            "said": sum(any(id(label) in supported for label in group) for group in wanted),
            "unread": telling.unread,
        }
    )
    return counts, verdicts


def with_total(rows: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The rows of clips, and the row of all."""
    return {**rows, "all": sum(rows.values(), Counter())}


def table(rows: Mapping[str, Counter[str]]) -> str:
    """For people: what was true of what was said, and what was said of what was there."""
    lines = [f"{'clip':24}{'true':>6}{'false':>7}{'open':>6}{'share':>8}{'said':>7}{'asked':>7}{'share':>8}"]
    for clip, row in with_total(rows).items():
        counts = f"{row['true']:6}{row['false']:7}{row['open']:6}{_share(row['true'], row['true'] + row['false'])}"
        lines.append(f"{clip:24}{counts}{row['said']:7}{row['asked']:7}{_share(row['said'], row['asked'])}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:8.2f}" if whole else f"{'-':>8}"


def main(arguments: Sequence[str] | None = None) -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--statements", action="store_true", help="each of them, and what became of it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    labels = read_labels(SETTLED)
    rows: dict[str, Counter[str]] = {}
    for clip, length_s in CLIPS_S.items():
        own = [one for one in labels if one.clip == clip]
        telling = read(comment(given.clips / clip, given.model, max(round(length_s), 1)))
        rows[clip], verdicts = judge_clip(telling, own)
        if given.statements:
            for one in verdicts:
                print(f"{clip:24}{one.said.second + 1:4} s  {one.true!s:6}{one.said.statement}")  # noqa: T201
    print(json.dumps(with_total(rows)) if given.json else table(rows))  # noqa: T201


if __name__ == "__main__":
    main()
