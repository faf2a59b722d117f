"""The table of `svlm eval claims`: its rows, their measurement, the verdicts and the page."""
