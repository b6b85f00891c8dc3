"""Scoring on a Dask cluster: the one room that needs the extra ``scale``."""
