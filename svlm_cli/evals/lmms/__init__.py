"""svlm as a model of lmms-eval, which loads it by its entry point. No other module imports it, or lmms-eval."""
