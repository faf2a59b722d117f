"""Two commentaries and a judge: what it is asked, what it answers, and what its votes are worth."""
