"""From sources to outputs: frames become chunks, chunks become words, words are written."""
