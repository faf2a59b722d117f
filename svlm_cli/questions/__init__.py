"""Questions about videos: their kinds, how they are put, and those about simulated matches with their answers."""
