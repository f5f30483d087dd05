"""Calls with wrong arguments, made of right ones; `python -m tests.fuzz` runs as many as wanted.

Every call is a function of (seed, number), so a failing one can be run again alone. They run in a process of
their own, in which memory is limited: nothing may end it, and a refusal is one of REFUSALS.
"""
