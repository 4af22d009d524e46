"""Set-up and habits: what `make` calls besides the experiments."""
