"""Evaluation without human judgement: models comment on simulated matches, where the truth is known."""
