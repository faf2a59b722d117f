"""A signal ends a command, whatever Python is doing when it comes."""

import importlib
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from svlm_cli.core.signals import Terminated, signals_raise

ENDS = [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated), (signal.SIGHUP, Terminated)]


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Tests that run in the background, or after the terminal has gone, are deaf to some."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hangup)


class Thing:
    """Something that can be referred to weakly."""


def then_wait(act: Callable[[], object]) -> None:
    with signals_raise():
        act()
        time.sleep(5)


@pytest.mark.parametrize(("number", "error"), ENDS)
def test_a_signal_in_a_callback_is_not_lost(number: int, error: type[BaseException]) -> None:
    """Python prints what is raised in a weak reference's callback, and goes on: a run would never end."""
    things = [Thing()]
    watched = weakref.ref(things[0], lambda _: signal.raise_signal(number))
    with pytest.raises(error):
        then_wait(things.clear)
    assert watched() is None


def test_what_else_is_raised_in_a_callback_is_reported() -> None:
    def fail(_: object) -> None:
        raise ValueError

    seen: list[object] = []
    theirs, sys.unraisablehook = sys.unraisablehook, lambda event: seen.append(event.exc_type)
    try:
        with signals_raise():
            thing = Thing()
            watched = weakref.ref(thing, fail)
            del thing
        assert (watched(), seen) == (None, [ValueError])
    finally:
        sys.unraisablehook = theirs


@pytest.mark.parametrize(("number", "error"), ENDS)
def test_an_import_is_not_broken_off(
    number: int, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C++ code that is called by an import aborts the process, or goes on, where Python would raise."""
    (tmp_path / f"slow{number}.py").write_text(
        f"import signal, time\nsignal.raise_signal({int(number)})\ntime.sleep(0.1)\nDONE = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error):
        then_wait(lambda: importlib.import_module(f"slow{number}"))
    assert sys.modules.pop(f"slow{number}").DONE


def test_an_import_that_takes_long_ends_with_the_process(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("import signal, time\nsignal.raise_signal(signal.SIGTERM)\ntime.sleep(60)\n")
    code = "from svlm_cli.core.signals import signals_raise\nwith signals_raise():\n    import endless"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=30, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (143, b"")


def test_handlers_are_as_they_were() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = [*map(signal.getsignal, numbers), sys.unraisablehook]
    with signals_raise():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [*map(signal.getsignal, numbers), sys.unraisablehook] == before


def test_what_nohup_starts_is_deaf_to_the_terminals_end() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals_raise():
        signal.raise_signal(signal.SIGHUP)


def test_a_screen_is_given_back_before_the_process_quits(tmp_path: Path) -> None:
    """The key for that would leave a terminal that shows nothing of what is typed."""
    code = "import signal\nfrom svlm_cli.core.signals import gives_back\n"
    code += "with gives_back(lambda: print('given back', flush=True), print): signal.raise_signal(signal.SIGQUIT)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=30, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGQUIT, b"given back\n")
