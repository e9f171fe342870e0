"""Organisations: the charities, foundations, enterprises, volunteer groups and insurers that give."""
