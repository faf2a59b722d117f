"""Questions about videos: what is asked, what counts as an answer, results on disk, and what they are worth."""
