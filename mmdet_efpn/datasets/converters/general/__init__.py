"""Readers of formats that labelling tools write."""
