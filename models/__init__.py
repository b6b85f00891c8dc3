"""What a model is: axes, text, features, heads, and the bundle that carries them on disk."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else ONNX Runtime tells its maker that it runs, from its import on
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # waking its threads costs more than cutting up a statement
