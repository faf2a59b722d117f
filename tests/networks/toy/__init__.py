"""A model family as small as one can be, and as unlike Qwen2.5-VL: docs/architecture.md takes its five steps.

One frame is one step in time, positions have one axis, each frame is a block with its own time in front, a token is
10 x 10 pixels, and visual tokens have features in two layers.
"""
