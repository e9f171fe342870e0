"""The organisations' blueprint: `views` (staff), `views_own` (a giver's own) and `views_apply` (public) hang on it."""

from flask import Blueprint

bp = Blueprint("organisations", __name__, url_prefix="/organisations")
