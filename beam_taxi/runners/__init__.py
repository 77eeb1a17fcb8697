"""Beam's runners and their options, and what the steps of a graph count on any of them."""
