"""Messages that are late or lost, and hosts that are out of reach. Knows no content."""

import math
import random
from typing import Final

from svlm_cli.bench.fleet.setting import FleetSetting

_DELAYS: Final = 10_007  # drawn once, then taken in any order
_SHUFFLED: Final = 1 << 40  # so that a delay has nothing to do with what else the chance decides


class SimulatedNetwork:
    """Delays are log-normal, with a tail."""

    def __init__(self, setting: FleetSetting, seed: str) -> None:
        self._dice = random.Random(seed)
        median = math.log(setting.delay_s)
        self._delays_s = [self._dice.lognormvariate(median, setting.delay_sigma) for _ in range(_DELAYS)]
        self._bad = setting.lost + setting.tail
        self._setting = setting
        self._cut_off: dict[int, int] = {}  # nodes, with the number of partitions that they are in

    def delay_s(self) -> float | None:
        """Of one message; None: it is lost."""
        chance = self._dice.random()
        delay_s = self._delays_s[int(chance * _SHUFFLED) % _DELAYS]
        if chance > self._bad:
            return delay_s
        if chance < self._setting.lost:
            return None
        return delay_s + self._dice.expovariate(1 / self._setting.tail_s)

    def reaches(self, node: int) -> bool:
        """Whether messages come through."""
        return node not in self._cut_off

    def cut_off(self, nodes: range) -> None:
        """These are out of reach from now on."""
        for node in nodes:
            self._cut_off[node] = self._cut_off.get(node, 0) + 1

    def reach_again(self, nodes: range) -> list[int]:
        """A partition is over. Returns the nodes that are within reach again."""
        found = []
        for node in nodes:
            self._cut_off[node] -= 1
            if not self._cut_off[node]:
                del self._cut_off[node]
                found.append(node)
        return found
