"""Training that goes wrong: a bare loop, its failures, what they look like, and
a finder that names the cause.
"""
