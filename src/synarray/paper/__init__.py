"""Shi et al. 2018: the experiment, the claims, and the conventional rival."""
