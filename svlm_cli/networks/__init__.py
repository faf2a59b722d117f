"""Model families behind one interface, `Family`, and the loading and saving of their checkpoints.

The only package that distinguishes families. Knows no cache, no policy, no sampling and no tokenizer.
"""
