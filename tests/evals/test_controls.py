"""The controls hold where they should, and an evaluation that measures something else is stopped by one of them."""

from dataclasses import replace

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.evals import match
from svlm_cli.evals.controls import ControlError, run_controls
from svlm_cli.evals.script import write_scripts
from svlm_cli.evals.timeliness import hold_against
from tests.evals.scripts import TEXTS, script


def test_reference_late_reference_and_silence() -> None:
    found = run_controls([script(), script(TEXTS)]).to_json()
    assert set(found["reference"].values()) == {1.0}
    assert found["shifted"]["event_f1"] == 0
    speech = {"speech_agreement", "speech_balanced_accuracy"}
    assert {value for name, value in found["empty"].items() if name not in speech} == {0}
    assert found["empty"]["speech_balanced_accuracy"] == 0.5


def test_when_the_controls_say_it() -> None:
    """Guards the report's second half: all in time, all 3 s late, never."""
    found = run_controls([script(), script(TEXTS)]).timeliness.to_json()
    assert {found["reference"][name] for name in ("f1", "precision", "in_time")} == {1}
    assert {found["reference"][name] for name in ("early", "late", "never", "stray")} == {0}
    assert found["reference"]["delay_s_median"] == found["reference"]["delay_s_p90"] == 0
    assert (found["shifted"]["f1"], found["shifted"]["late"], found["shifted"]["delay_s_median"]) == (0, 1, 3)
    assert (found["empty"]["never"], found["empty"]["stray"], found["empty"]["delay_s_median"]) == (1, None, None)


def test_an_event_that_the_words_do_not_tell() -> None:
    """Guards against a simulator whose marks and words differ, or a reader that misses a sentence."""
    one = script()
    events = one.truth.reference.events
    reference = replace(one.truth.reference, events=(*events, replace(events[0], second=19)))
    with pytest.raises(ControlError, match=r"the reference against itself has event_f1 0\.\d+, and must have 1"):
        run_controls([replace(one, truth=replace(one.truth, reference=reference))])


def test_a_score_that_the_reference_states_wrongly() -> None:
    with pytest.raises(ControlError, match="score_accuracy"):
        run_controls([script(scores=[(10.5, (1, 0))])])


def test_events_that_repeat_every_three_seconds_hide_a_delay() -> None:
    """Guards against a world, or a tolerance, in which being late costs nothing."""
    texts = (" Falvon pass it", "", "") * 100
    with pytest.raises(ControlError, match=r"3 s late has event_f1 0\.99\d*, and must have at most 0\.25"):
        run_controls([script(texts, ())])
    assert run_controls([script(texts[:30], ())]).shifted_bound == pytest.approx(18 / 19), "a minute may do that"


def test_a_tolerance_that_is_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the 1.5 s: with more, late words would match what they are late for."""
    monkeypatch.setattr(match.matched, "__defaults__", (4.0,))
    with pytest.raises(ControlError, match="3 s late"):
        run_controls([script()])


def test_a_delay_of_the_wrong_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards "late" against "early": of a match of some length, the late reference must come 3 s late."""
    scripts = write_scripts([(1, 600)])
    monkeypatch.setattr(match, "hold_against", lambda wanted, said, seconds: hold_against(said, wanted, seconds))
    with pytest.raises(ControlError, match=r"3 s late has a median delay of -3\.0, and must have 3"):
        run_controls(scripts)


def test_matches_too_short_to_score() -> None:
    with pytest.raises(UsageError, match="too short"):
        run_controls([script(("", ""), ())])


def test_they_hold_in_the_simulated_world() -> None:
    """Guards against a simulator and an evaluation that drift apart: over two games, so with scores that start anew."""
    scripts = write_scripts([(seed, 1500) for seed in (1, 2)])
    found = run_controls(scripts)
    assert found.reference.overall.event_f1.value == 1
    assert found.reference.overall.restated_recall.value == 1
    assert any(score == (0, 0) for script in scripts for _, score in script.truth.scores), "a second game began"
    assert found.shifted_bound < 0.25
    assert found.timeliness.reference.overall.in_time.value == 1
    assert found.timeliness.shifted.delay.median == 3
