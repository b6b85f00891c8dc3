"""One file a step, named for what it brings; ``down_revision`` names the step before."""
