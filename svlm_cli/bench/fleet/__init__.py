"""Cameras over a fleet of any size, under a simulated clock and network: how soon words go on after failures.

The supervisor, the placement and the leases are those of ``fleet/cameras``; everything else is a model of it.
"""
