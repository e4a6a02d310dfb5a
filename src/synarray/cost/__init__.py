"""Price: what a run's counted events saved or cost."""
