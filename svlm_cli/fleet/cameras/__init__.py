"""Cameras spread over a fleet: which worker watches which, leases that run out, the supervisor, and workers.

`ray_crew.py` alone knows Ray. `placement.py` and `leases.py` are pure, and run under a simulated clock in
``svlm bench fleet``.
"""
