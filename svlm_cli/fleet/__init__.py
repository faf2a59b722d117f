"""Work spread over the GPUs of one host or of many, on Ray: placement, the manifest, workers, and the driver.

`ray_crew.py` and `ray_cluster.py` alone know Ray.
"""
