"""Run directories: configs, experiments, questions, atlases, sweeps, studies, audit."""
