"""The demo: a synthetic city, its way into an empty database, and one whole day of work in it.

What enters: a size and a seed. What leaves: plain values (`city`), a filled database (`build`), a result table
(`story`). Nobody in it exists: identity numbers begin 5099, phones begin 1000, house numbers and names are drawn.
"""
