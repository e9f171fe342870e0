"""Registered by `marketplace.app`: the boards and the paper of a decision, on one blueprint."""

from marketplace.boards import views_board, views_outliers, views_paper
from marketplace.boards.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_board", "views_outliers", "views_paper"]
