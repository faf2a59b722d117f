"""svlm as a model of lmms-eval, which finds it by its entry point. Nothing else of ours imports it, or lmms-eval."""
