"""Videos with sound -> a training set: timed words, cleaned, cut into windows, and checked. Knows no torch."""
