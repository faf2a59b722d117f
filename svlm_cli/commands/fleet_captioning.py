"""``svlm caption --fleet``: the same call, with its videos in the hands of workers elsewhere."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.driver import FleetOutcome, FleetSession, RemoteFile
from svlm_cli.fleet.manifest import Manifest
from svlm_cli.fleet.messages import ModelOrder, WorkerOrder
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.fleet.ray_cluster import LOCAL, connected, nodes, require_ray
from svlm_cli.fleet.shares import Node, WorkerShare, shares, spread
from svlm_cli.outputs.live.showing import LiveMode
from svlm_cli.outputs.summary import VideoState
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.captioning import Captioning
from svlm_cli.pipeline.inputs import Input
from svlm_cli.pipeline.observer import OpenedJob
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.credentials import Credentials

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


def order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> WorkerOrder:
    """What each worker is told."""
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
        policy=policy,
        settings=replace(settings, sources=replace(settings.sources, credentials=_NO_LOGINS)),
        folder=Path.cwd(),
        streams=asked.streams if given("streams") or asked.streams > 1 else None,
        most_streams=len(jobs),
    )


class FleetCaptioning(Captioning):
    """The videos of a call, spread over workers, and what is told of them meanwhile: the same as of a run alone."""

    def spread(
        self, address: str, plan: FleetPlan, order: WorkerOrder, folder: Path, introduction: Iterable[str]
    ) -> None:
        """Caption all in the cluster at `address`. The checkpoint is in `folder` here."""
        self._fleet: FleetSession | None = None
        with self._ending(), closing(Manifest(plan.manifest)) as manifest:
            for line in introduction:
                self.tell(line)
            with connected(address):
                from svlm_cli.fleet.ray_crew import RayCrew

                shares_of = partial(_shares, order, folder, len(self._jobs))
                with RayCrew(order, nodes, shares_of, hopes_s=0.0 if address == LOCAL else _JOINING_S) as crew:
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

    def _unfinished(self) -> Iterable[OpenedJob]:
        return () if self._fleet is None else self._fleet.unfinished.values()

    def _note_stopped(self, outcome: FleetOutcome) -> None:
        self._summary.end(outcome.source.job.source.reveal(), VideoState.STOPPED, outcome.report.video_s)

    def _note_remote(self, outcome: FleetOutcome) -> None:
        self._progress.end(outcome.source.job.name)
        for notice in outcome.source.notices:
            self._progress.say(f"svlm: {notice}")
        self._note_video(outcome.source, outcome.report)


def _shares(order: WorkerOrder, folder: Path, files: int, found: list[Node]) -> list[WorkerShare]:
    """No more workers than there are files."""
    cpu = order.model.device == "cpu"
    needed_bytes = 0
    if cpu or not any(node.gpus for node in found):
        from svlm_cli.fleet.loading import bytes_on_cpu

        needed_bytes = bytes_on_cpu(folder, order.policy, order.model.dtype)
    return spread(shares(found, needed_bytes, cpu=cpu), files)
