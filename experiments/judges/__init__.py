"""Judges of pictures, judged themselves: which of them sees which fault.

`faults` spikes real images with a known dose of one fault, `candidates` makes
the judges, `calibrate` asks every judge about every dose, `draws` and `classes`
use those that see, `picture` draws what came of it. `python -m
experiments.judges` does all that is missing from
`aevae_lib/results/judges.json`.
"""
