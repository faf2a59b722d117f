"""Questions about videos: their kinds, their wording, and questions about simulated matches with answers."""
