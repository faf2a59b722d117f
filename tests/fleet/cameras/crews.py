"""A crew of camera workers that do what a script says, on a clock of their own."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus, State
from svlm_cli.fleet.cameras.crew import CameraWorkerFound, CameraWorkerGone, CameraWorkerUnfit, News
from svlm_cli.fleet.cameras.leases import LeaseHolder
from svlm_cli.fleet.cameras.messages import Beat, CameraEnded, CameraHeard

WALL_S = 1_700_000_000.0


@dataclass
class ScriptedWorker:
    """Says a word for each second of each camera."""

    holder: LeaseHolder = field(default_factory=LeaseHolder)
    began_s: dict[int, float] = field(default_factory=dict)  # by lease, on the clock
    names: dict[int, str] = field(default_factory=dict)
    said: dict[int, str] = field(default_factory=dict)  # what was said before, as told


class ScriptedCameraCrew:
    """Each `wait` is a second. `script` has what happens at such a second: ``kill``, ``end``, ``fail`` or ``unfit``."""

    def __init__(self, workers: Iterable[str], script: dict[int, tuple[str, str]], *, until_s: int) -> None:
        self.now_s = 0.0
        self.workers = {name: ScriptedWorker() for name in workers}
        self.carried: list[tuple[str, str]] = []  # camera, what was said before
        self._news: list[tuple[str, News]] = [(name, CameraWorkerFound()) for name in self.workers]
        self._beats: dict[str, Beat] = {}
        self._script = script
        self._until_s = until_s
        self.interrupted = False

    @property
    def expected(self) -> int:
        return len(self.workers)

    def idle(self) -> tuple[str, ...]:
        return tuple(name for name in self.workers if name not in self._beats)

    def beat(self, worker: str, beat: Beat) -> None:
        self._beats[worker] = beat

    def wait(self, timeout_s: float) -> list[tuple[str, News]]:
        self.now_s += 1.0
        if self.now_s > self._until_s:
            raise KeyboardInterrupt
        self._obey(*self._script.get(int(self.now_s), ("", "")))
        for name, beat in self._beats.items():
            self._news.append((name, self._answer(self.workers[name], beat)))
        self._beats.clear()
        news, self._news = self._news, []
        return news

    def _obey(self, order: str, who: str) -> None:
        match order:
            case "kill":
                del self.workers[who]
                self._beats.pop(who, None)
                self._news.append((who, CameraWorkerGone("its process died", dead=True)))
            case "unfit":
                del self.workers[who]
                self._beats.pop(who, None)
                self._news.append((who, CameraWorkerUnfit(SvlmError("It has no room."))))
            case "end" | "fail":
                for worker in self.workers.values():
                    for lease, name in list(worker.names.items()):
                        if name == who:
                            del worker.names[lease]
                            error = SvlmError(f"{who} rejects everything.") if order == "fail" else None
                            worker.holder.post(CameraEnded(lease, error, ("A notice",)))

    def _answer(self, worker: ScriptedWorker, beat: Beat) -> News:
        change = worker.holder.obey(beat, self.now_s)
        for lease, job in change.open:
            worker.began_s[lease], worker.names[lease] = self.now_s, job.name
            self.carried.append((job.name, job.said))
            worker.holder.post(CameraHeard(lease, SourceStatus(job.name, State.LIVE, connections=1)))
        for lease in change.close:
            worker.names.pop(lease, None)
            worker.holder.closed(lease)
        for lease, name in worker.names.items():
            start_s = self.now_s - worker.began_s[lease]
            event = RoundEnded(name, start_s, start_s + 1, "word", 1, 0.1, wall_clock_s=WALL_S + self.now_s)
            worker.holder.post(CameraHeard(lease, event))
        return worker.holder.answer(self.now_s, streams=10, load=0.1)
