"""Questions about simulated matches, each with one right answer that whoever watched can know."""
