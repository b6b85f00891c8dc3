"""Makes a model: corpus, fit, evaluation, tracking, release. Run it with ``python -m training``."""
