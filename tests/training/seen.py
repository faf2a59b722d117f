"""What each round of a window sees, written out token by token: the slow way."""

import numpy as np

from svlm_cli.training.layout import WindowTokens
from svlm_cli.training.views import View


def views_of(window: WindowTokens) -> list[View]:
    """All views of a streamed window."""
    views, found, run = window.views, list[View](), 0
    assert views is not None
    for count, asking, opens in zip(views.runs, views.asking, views.opens, strict=True):
        keys, positions = list[int](), list[np.ndarray]()
        for _ in range(count):
            for token in range(views.starts[run], views.starts[run] + views.lengths[run]):
                keys.append(token)
                positions.append((window.positions[token] + views.moved[run]).astype(np.float32))
            run += 1
        found.append(View(np.array(keys, np.int32), np.array(positions, np.float32), int(asking), bool(opens)))
    assert run == len(views.starts)
    return found
