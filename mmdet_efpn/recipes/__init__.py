"""Training in several stages."""
