"""What is there of all that svlm needs or can use, and what to do about what is not: the checks of `svlm doctor`.

They must work on a machine where nothing else does, so every import that can fail happens inside its own check. Nothing
is changed, and no model is loaded. Knows no option and no configuration file.
"""
