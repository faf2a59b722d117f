"""Model families behind one interface, `Family`, and their checkpoint folders.

The only package that knows one family from another. Knows no cache, no policy, no sampling and no tokenizer.
"""
