"""Every claim judged by the rule of chapters/protocol.md, and the ledger that
says so: `python -m experiments.ledger`.

`claims` are the post's; `rows` say what is compared with what, `rule` which
verdict that earns, and `page` how it is told.
"""
