"""Orchestration: what drives `pipeline` over many units; Luigi tasks, a Dask pool, the command."""
