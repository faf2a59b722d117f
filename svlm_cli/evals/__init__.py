"""Quality measured, not judged: a model comments on matches of the simulated world, where the truth is known."""
