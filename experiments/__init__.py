"""What trains, measures, judges and times: the evidence behind the course.

It imports the library, and never the other way round. Run its modules from the
project's root, for example `python -m experiments.sweep`.
"""
