"""Tasks with a reward: environments of gymnasium, ours and others', and how their observations become spikes."""
