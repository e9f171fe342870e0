"""Doors and windows of the house: each module speaks one foreign dialect and hands in plain values.

What enters: replies, files and feeds of the outside world. What leaves: the frozen messages of
`adapters.ports` and one family of errors. No database, no solver, no web framework; which door is used
where is decided in `marketplace.wiring` alone.
"""
