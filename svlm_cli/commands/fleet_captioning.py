"""``svlm caption --fleet``: the same call, with its videos in the hands of workers elsewhere."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.captioning import Captioning
from svlm_cli.commands.command import given
from svlm_cli.commands.live_view import LiveMode
from svlm_cli.commands.summary import VideoState
from svlm_cli.core.errors import UsageError
from svlm_cli.fleet.driver import FleetOutcome, FleetSession, RemoteFile
from svlm_cli.fleet.manifest import Manifest
from svlm_cli.fleet.messages import ModelOrder, WorkerOrder
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.fleet.ray_cluster import LOCAL, connected, nodes, require_ray
from svlm_cli.fleet.shares import Node, WorkerShare, shares, spread
from svlm_cli.pipeline.inputs import Input
from svlm_cli.pipeline.observer import OpenedJob
from svlm_cli.sources.credentials import Credentials

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint

_NO_LOGINS = Credentials(environment={})  # files need none, and it travels
_JOINING_S = 120.0  # so long a cluster may be without any host that can work


def plan_fleet(asked: CaptionOptions, inputs: Sequence[Input], tell: Callable[[str], None]) -> FleetPlan:
    """The jobs of a call with a fleet. `UsageError` for what a fleet cannot do."""
    for option, wanted in (("--mux", asked.mux), ("--burn-in", asked.burn_in), ("--report", asked.report)):
        if wanted is not None:
            raise UsageError(f"{option} and --fleet do not go together.", f"Leave out --fleet to make {wanted}.")
    if asked.live.follow or asked.screen is LiveMode.ON:
        option = "--follow" if asked.live.follow else "--live on"
        raise UsageError(f"{option} and --fleet do not go together.", "Leave one of them out.")
    if asked.device not in ("auto", "cpu", "cuda"):
        raise UsageError("A fleet gives each worker a GPU of its own.", "Say --device auto, cuda or cpu.")
    require_ray()
    return plan_files(inputs, asked.wanted(), _words_of(asked), tell)


def _words_of(asked: CaptionOptions) -> str:
    """All that decides about the words, and how they are written."""
    settings, sources = asked.settings(live=False, several=True), asked.source_options()
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    said = (sources.start_s, sources.end_s, sources.decoder, settings.query, settings.context, settings.seed)
    model = (asked.model, asked.adapter, asked.revision, asked.dtype)
    policy = (changes.tables, asked.mode, asked.fps, asked.keep_query, asked.temperature)
    form = (asked.formats, asked.output, asked.output_dir, settings.style, settings.encoding, settings.raw_tsv)
    return repr((said, model, policy, form))


class FleetCaptioning(Captioning):
    """The videos of a call, spread over workers, and what is told of them meanwhile: the same as of a run alone."""

    def spread(self, plan: FleetPlan, checkpoint: "Checkpoint") -> None:
        """Caption all."""
        assert self._asked.fleet is not None, "who asked for a fleet has said which"
        local = self._asked.fleet == LOCAL
        self._fleet: FleetSession | None = None
        with self._ending(), closing(Manifest(plan.manifest)) as manifest:
            self._introduce()
            with connected(self._asked.fleet):
                from svlm_cli.fleet.ray_crew import RayCrew

                def shared(found: list[Node]) -> list[WorkerShare]:
                    return self._shares(found, checkpoint)

                crew = RayCrew(self._order(), nodes, shared, hopes_s=0.0 if local else _JOINING_S)
                with crew:
                    self._fleet = FleetSession(self._jobs, self._settings, crew, manifest, self, records=plan.records)
                    with closing(self._fleet.run(interrupted=self._note_stopped)) as outcomes:
                        for outcome in outcomes:
                            self._note_remote(outcome)

    def begun(self, source: RemoteFile) -> None:
        """A worker has opened a video."""
        self._begin(source)

    def withdrawn(self, source: RemoteFile) -> None:
        """It waits for another try."""
        self._progress.end(source.job.name)

    def say(self, line: str) -> None:
        """What went wrong with a worker."""
        self._progress.say(line)

    def _order(self) -> WorkerOrder:
        asked = self._asked
        model = ModelOrder(
            model=asked.model if asked.adapter is None or given("model") else None,
            revision=asked.revision,
            offline=asked.offline,
            adapter=asked.adapter,
            device=asked.device,
            dtype=asked.dtype,
            attention=asked.attention,
            graphs=asked.graphs,
        )
        return WorkerOrder(
            model=model,
            policy=self._policy,
            settings=replace(self._settings, sources=replace(self._settings.sources, credentials=_NO_LOGINS)),
            folder=Path.cwd(),
            streams=asked.streams if given("streams") or asked.streams > 1 else None,
            most_streams=len(self._jobs),
        )

    def _shares(self, found: list[Node], checkpoint: "Checkpoint") -> list[WorkerShare]:
        cpu = self._asked.device == "cpu"
        needed_bytes = 0
        if cpu or not any(node.gpus for node in found):
            from svlm_cli.fleet.loading import bytes_on_cpu

            needed_bytes = bytes_on_cpu(checkpoint.folder, self._policy, self._asked.dtype)
        return spread(shares(found, needed_bytes, cpu=cpu), len(self._jobs))

    def _unfinished(self) -> Iterable[OpenedJob]:
        return () if self._fleet is None else self._fleet.unfinished.values()

    def _note_stopped(self, outcome: FleetOutcome) -> None:
        self._summary.end(outcome.source.job.source.reveal(), VideoState.STOPPED, outcome.report.video_s)

    def _note_remote(self, outcome: FleetOutcome) -> None:
        self._progress.end(outcome.source.job.name)
        for notice in outcome.source.notices:
            self._progress.say(f"svlm: {notice}")
        self._note_video(outcome.source, outcome.report)
