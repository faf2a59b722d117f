"""Paragraphs of the claims page: wrapped, and still one block each."""

import re

from svlm_cli.evals.claims.markdown import bullet, wrapped


def test_long_paragraphs_are_wrapped() -> None:
    text = "words of a paragraph " * 20
    assert all(len(line) <= 120 for line in wrapped(text).splitlines())
    assert wrapped(text).split() == text.split()
    first, *others = bullet(text).splitlines()
    assert first.startswith("- words")
    assert others
    assert all(line.startswith("  ") and not line.startswith("   ") for line in others)


def test_no_line_begins_another_block() -> None:
    """Guards a paragraph against a missing rate or a number at the beginning of a line, which would start a list."""
    for sign in ("-", "+", "*", "#", ">", "1.", "2000."):
        for length in range(100, 125):
            lines = wrapped(f"{'x' * length} {sign} {'y' * 60}").splitlines()
            assert not any(re.match(r"([-+*#>]|\d+\.)( |$)", line) for line in lines), (sign, length)
