"""Distributes work over the GPUs of one or several hosts, with Ray: placement, manifest, workers and driver.

Only `ray_crew.py` and `ray_cluster.py` import Ray.
"""
