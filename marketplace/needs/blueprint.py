"""The needs' blueprint: `views`, `uploads` and `entry` hang their pages on it; the app registers it once."""

from flask import Blueprint

bp = Blueprint("needs", __name__, url_prefix="/needs")
