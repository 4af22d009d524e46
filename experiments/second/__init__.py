"""The evidence anew, under the protocol's second edition
(chapters/protocol2.md).
"""
