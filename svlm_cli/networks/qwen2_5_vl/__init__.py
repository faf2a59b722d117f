"""The networks of Qwen2.5-VL: configuration, vision tower, language model, pixels.

Knows no cache, no policy, no sampling and no tokenizer. Everything here can be trained.
"""
