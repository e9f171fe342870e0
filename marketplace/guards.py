"""The guard on every view: it names the action that the policy must allow before the view runs.

Enters: the request's actor (put on ``flask.g`` by accounts). Leaves: the view's answer, or NotAllowed. The factory
refuses to start when a view has no guard.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import g, request

from marketplace import policy
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.errors import NotAllowed, NotFound

P = ParamSpec("P")
T = TypeVar("T")
UNPROVED = frozenset({Role.HOUSEHOLD, Role.HELPER, Role.PUBLIC, Role.SERVICE})
"""Who shows no second factor: a phone's holder, a stranger, a machine with a key of its own."""
ALWAYS = frozenset({"account:sign_out", "account:sessions", "power:enter"})
"""What a helper that may only see can still press: going out, and on to somebody else it acts for."""


def current_actor() -> Actor:
    """Who makes this request; `PUBLIC` without a sign-in."""
    return cast(Actor, getattr(g, "actor", PUBLIC))


def current_action() -> str:
    """What the guard of this request's view was asked for."""
    return cast(str, g.action)


def own_org() -> str:
    """The organisation of the one who asks; NotFound for anybody else."""
    org_id = current_actor().org_id
    if org_id is None:
        raise NotFound("organisation")
    return org_id


def own_household() -> str:
    """The household that asks, or for which a helper acts; NotFound for anybody else."""
    household_id = current_actor().household_id
    if household_id is None:
        raise NotFound("household")
    return household_id


def need_fresh_proof() -> None:
    """NotAllowed("step_up") unless this account showed a second factor within five minutes; households need none."""
    if current_actor().role not in UNPROVED and not getattr(g, "proved", False):
        raise NotAllowed("step_up")


def guard(action: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let the view run only if the policy allows `action` to the actor's role."""
    if action not in policy.matrix():
        raise ValueError(f"{action} is not in roles.toml")

    def wrap(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            actor, g.action = current_actor(), action
            told = policy.may(actor, action)
            if not told.allow:
                code = "not_in_power" if told.rule == policy.NOT_IN_POWER else "not_allowed"
                raise NotAllowed("sign_in" if actor is PUBLIC else code, action=action)
            if actor.reads_only and request.method not in ("GET", "HEAD") and action not in ALWAYS:
                raise NotAllowed("sees_only", action=action)
            if action in policy.FRESH and request.method not in ("GET", "HEAD"):
                need_fresh_proof()
            return view(*args, **kwargs)

        cast(Any, guarded).guarded_action = action
        return guarded

    return wrap
