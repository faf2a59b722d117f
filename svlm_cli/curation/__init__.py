"""Makes a training set from videos with sound: timed words, cleaning, windows, checks. Imports no torch."""
