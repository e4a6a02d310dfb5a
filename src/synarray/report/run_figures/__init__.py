"""Figures of one training: spikes, potentials, a film of learning, the pruning mask, the life of its array; all by their names."""
