"""Figures of one training: spikes, potentials, a film of learning, the pruning mask, wires, the life of its array."""
