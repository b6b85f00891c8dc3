"""Answers with a model over HTTP. Run it with ``python -m service``."""
