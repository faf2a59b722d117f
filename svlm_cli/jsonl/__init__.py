"""JSON lines files: parsed strictly, and appended to by one writer."""
