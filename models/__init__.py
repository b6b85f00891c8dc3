"""What a model is: axes, text, features, heads, and the bundle that carries them on disk."""
