"""Recipes and data -> a trained checkpoint folder.

Knows no terminal but the one line a step that `log.py` writes, and no evaluation.
"""

import logging

# On processors with bfloat16 it would tell everybody who imports it, through peft too, about a package for inference.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
