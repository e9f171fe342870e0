"""Dated code tables that every room may ask: districts, streets, kinds of need, purposes, fields, words.

What enters: codes and dates. What leaves: frozen values and labels in both languages. The tables are data
files beside this module (`data/`, credit in `data/SOURCES.md`), read once; no database, no request, no other
room.
"""
