"""The table of `svlm eval claims`: its rows, their measuring, their verdicts and their page."""
