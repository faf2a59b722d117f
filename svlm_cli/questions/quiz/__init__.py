"""Questions about simulated matches, each with one right answer that every viewer can know."""
