"""The offers' blueprint: `views`, `wizard` and `upload` hang their pages on it; the app registers it once."""

from flask import Blueprint

bp = Blueprint("offers", __name__, url_prefix="/offers")
