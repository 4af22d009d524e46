"""How fast this machine trains, and the course with it: `python -m
experiments.bench`. Each part of the benchmark is a module.
"""
