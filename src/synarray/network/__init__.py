"""Spikes: encoding, winner-take-all neurons, STDP, pruning; the compiled kernels and the readable reference."""
