"""Run jobs beside each other: processes or a Dask cluster, shared data, memory, threads."""
