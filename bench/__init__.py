"""
How fast vdproxy is, how much it takes, and against what.

Each figure stands beside a yardstick that was measured in the same run, by turns,
with the same conversation: ``python -m bench --help``.
"""
