"""Train and measure every model that a claim rests on, and write what was
found: `python -m experiments.sweep`.

`worker` does one run, in a process of its own; `pool` does many.
"""
