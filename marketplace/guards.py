"""The guard on every view: it names the action that the policy must allow before the view runs.

Enters: the request's actor (put on ``flask.g`` by accounts). Leaves: the view's answer, or NotAllowed. The factory
refuses to start when a view has no guard.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import g

from marketplace import policy
from marketplace.actors import PUBLIC, Actor
from marketplace.errors import NotAllowed, NotFound

P = ParamSpec("P")
T = TypeVar("T")


def current_actor() -> Actor:
    """Who makes this request; `PUBLIC` without a sign-in."""
    return cast(Actor, getattr(g, "actor", PUBLIC))


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


def guard(action: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let the view run only if the policy allows `action` to the actor's role."""
    if action not in policy.matrix():
        raise ValueError(f"{action} is not in roles.toml")

    def wrap(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            actor = current_actor()
            if not policy.may(actor, action).allow:
                raise NotAllowed("sign_in" if actor is PUBLIC else "not_allowed", action=action)
            return view(*args, **kwargs)

        cast(Any, guarded).guarded_action = action
        return guarded

    return wrap
