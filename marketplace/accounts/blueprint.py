"""The accounts' blueprint: `views` and `views_team` hang their pages on it; the app registers it once."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
