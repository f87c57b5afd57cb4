"""Read results of planner benches: regret, runs to a peer's result, faults, hypervolume, cost and what is recommended."""
