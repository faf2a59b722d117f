"""What the commentator of the simulated world would say about the real clips, if it saw what people see.

    python -m tests.evals.footage.ideal

It speaks from the labels. So it shows how much can be said at all by the rules of docs/footage.md, at two words a
second, and whether the judge finds it true.
"""

from collections.abc import Iterator, Sequence

from svlm_cli.evals.footage.reading import read
from svlm_cli.simulator.footage.events import EventKind, SeenEvent
from svlm_cli.simulator.footage.speech import by_second, commentary
from tests.evals.footage.judging import judge_clip, table
from tests.evals.footage.labels import CLIPS_S, SETTLED, STATES, Label
from tests.evals.footage.labels import read as read_labels


def main() -> None:
    """As the module says."""
    labels = read_labels(SETTLED)
    rows = {}
    for clip, length_s in CLIPS_S.items():
        own = [one for one in labels if one.clip == clip]
        rows[clip], _ = judge_clip(read(ideal(own, round(length_s) + 3)), own)
    print(table(rows))  # noqa: T201


def ideal(labels: Sequence[Label], seconds: int) -> tuple[str, ...]:
    """What is said in each second of a clip."""
    return by_second(commentary(_shots(labels), seconds), seconds)


def _shots(labels: Sequence[Label]) -> Iterator[list[SeenEvent]]:
    """The events of each shot, the shot itself among them."""
    events = [_event(one, number) for number, one in enumerate(labels)]
    shots = sorted((one for one in events if one.kind is EventKind.SHOT), key=lambda one: one.start_s)
    others = [one for one in events if one.kind is not EventKind.SHOT]
    for shot in shots:
        yield [shot, *(one for one in others if one.start_s < shot.end_s and one.end_s > shot.start_s)]


def _event(label: Label, number: int) -> SeenEvent:
    values = {name: str(value) for name, value in label.values.items()}
    if label.kind in STATES:
        (what,) = values.values()
        return SeenEvent(EventKind(label.kind), label.start_s, label.end_s, what)
    return SeenEvent(
        EventKind(label.kind),
        label.start_s,
        label.end_s,
        thing=-number if label.thing is None else label.thing,
        side=values.get("side", ""),
        direction=values.get("direction", ""),
        place=values.get("place", ""),
        size="" if values["size"] == "small" else values["size"],  # the world calls fewer things small
    )


if __name__ == "__main__":
    main()
