"""Offers: the resources that givers post, with their terms."""
