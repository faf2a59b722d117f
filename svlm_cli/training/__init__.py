"""Training: turns a recipe and data into a checkpoint folder.

Prints nothing but the line per step of `log.py`, and knows no evaluation.
"""

import logging

# On CPUs with bfloat16, importing it (peft does) logs advice about a package for inference.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
