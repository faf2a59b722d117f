"""Questions about videos: asking them, checking answers, results on disk, and scores."""
