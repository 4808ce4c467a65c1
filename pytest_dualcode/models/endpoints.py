"""Where a role's model answers: OpenAI-compatible base URLs, checked before use."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from pytest_dualcode.errors import ServerError, UsageError
from pytest_dualcode.models.profiles import RoleProfile
from pytest_dualcode.models.thinking import style_of, supports_thinking
from pytest_dualcode.types import Role, ThinkingStyle

NO_LIST = (404, 405, 501)
"""HTTP statuses of ``/v1/models`` where there is no such path."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class RoleEndpoint:
    """What a client needs to ask one role.

    ``urls`` end in ``/v1``; several are equal replicas. ``model`` is the served name.
    ``draft_tokens`` and ``review_tokens`` are the ``max_tokens`` of a program and of an
    analysis or review. ``thinking`` says whether a thought can be switched on,
    ``thinking_style`` how. ``launched`` servers are ours. ``sampling``, ``thinking_budget`` and
    the efforts are the profile's.
    """

    role: Role
    urls: tuple[str, ...]
    model: str
    max_model_len: int | None
    draft_tokens: int
    review_tokens: int
    thinking: bool
    max_in_flight: int
    launched: bool
    sampling: Mapping[str, float] = field(default_factory=dict)
    thinking_budget: int | None = None
    thinking_style: ThinkingStyle = "enable_thinking"
    thinking_effort: str = ""
    answer_effort: str = ""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One entry of ``/v1/models``; other servers than vLLM leave root and length out."""

    name: str
    root: str | None
    max_model_len: int | None
    owner: str | None = None

    @property
    def family_name(self) -> str:
        """The name that tells most about the model: its root, where the server gives one."""
        return self.root or self.name


def api_key(role: Role) -> str | None:
    """The key for a role's server, from the environment; it is never stored or printed."""
    names = (f"DUALCODE_{role.upper()}_API_KEY", "DUALCODE_API_KEY", "OPENAI_API_KEY")
    return next((key for name in names if (key := os.environ.get(name))), None)


def key_of(place: RoleEndpoint) -> str | None:
    """The key for an endpoint's servers; those that we launched get none."""
    return None if place.launched else api_key(place.role)


def base_url(url: str, option: str) -> str:
    """`url` in the form ``http://host:port/v1``; a bare host gets the ``/v1``."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(
            f"{option}={url!r} is not a URL of a server.",
            f"Give its base URL, for example {option}=http://localhost:8000/v1.",
        )
    path = parts.path.rstrip("/") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def get_json(url: str, key: str | None = None, timeout: float = 10) -> Any:
    """GET `url` and parse its JSON (an empty body is ``None``).

    Raises `OSError` (an HTTP status other than 2xx included) or `ValueError`.
    """
    text = get_text(url, key, timeout)
    return json.loads(text) if text.strip() else None


def get_text(url: str, key: str | None = None, timeout: float = 10) -> str:
    """GET `url`; raises `OSError`, an HTTP status other than 2xx included."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return answer(urllib.request.Request(url, headers=headers), timeout)


def post(url: str, timeout: float) -> None:
    """POST nothing to `url` of a launched server; raises `OSError` as `get_text` does."""
    answer(urllib.request.Request(url, data=b"", method="POST"), timeout)


def answer(request: urllib.request.Request, timeout: float) -> str:
    """Send `request` and return the body of the reply."""
    # A proxy from the environment is no way to a server on this very machine.
    local = urlsplit(request.full_url).hostname in LOOPBACK
    handlers = [urllib.request.ProxyHandler({})] if local else []
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as reply:
            body: bytes = reply.read()
    except urllib.error.HTTPError as error:
        error.close()  # the exception holds the connection
        raise
    return body.decode("utf-8", "replace")


def is_ready(url: str) -> bool:
    """Whether a launched vLLM server answers: ``/health`` is 503 once its engine is dead."""
    try:
        get_json(server_root(url) + "/health", timeout=5)
    except (OSError, ValueError):
        return False
    return True


def port_of(url: str) -> int:
    """The port of a launched server's URL, which always names one."""
    return urlsplit(url).port or 0


def server_root(url: str) -> str:
    """The server's address without the API's ``/v1``."""
    return url.removesuffix("/v1")


def served_models(url: str, key: str | None = None) -> list[ServedModel]:
    """What `url` serves, by ``/v1/models``; raises `OSError` or `ValueError`."""
    return models_in(get_json(url + "/models", key))


def models_in(reply: Any) -> list[ServedModel]:
    """Read the parsed reply of ``/v1/models``; raises `ValueError` if it is no list of models.

    Some hosted APIs (Together) leave out the object around the list.
    """
    entries = reply.get("data") if isinstance(reply, dict) else reply
    if not isinstance(entries, list) or not all(is_model_entry(entry) for entry in entries):
        raise ValueError("the reply to /models is not a list of models")
    fields = ("id", "root", "max_model_len", "owned_by")
    return [ServedModel(*(entry.get(field) for field in fields)) for entry in entries]


def is_model_entry(entry: Any) -> bool:
    """Whether an entry of ``/v1/models`` can be used."""
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        return False
    return isinstance(entry.get("max_model_len"), int | None)


def find_model(role: Role, url: str, wanted: str | None, *, launched: bool = False) -> ServedModel:
    """The model that `url` serves under the name `wanted`, or its only one.

    A server that we `launched` is asked without a key. One without a list of models (some hosted
    APIs) is believed to serve the `wanted` one. Raises `ServerError` if nothing answers, or
    nothing of that name.
    """
    option = f"--{role}-url"
    try:
        models = served_models(url, None if launched else api_key(role))
    except (OSError, ValueError) as error:
        if wanted is not None and getattr(error, "code", None) in NO_LIST:
            return ServedModel(wanted, None, None)
        raise ServerError(
            f"The {role}'s server at {url} does not answer: {reason(error)}.",
            remedy_for(error, role, f"Start it, or correct {option}."),
        ) from error
    names = ", ".join(model.name for model in models) or "nothing"
    if wanted is None and len(models) == 1:
        return models[0]
    for model in models:
        if wanted is not None and wanted in (model.name, model.root):
            return model
    what = f"not {wanted!r}" if wanted else "and which of them is meant was not said"
    raise ServerError(
        f"The {role}'s server at {url} serves {names}, {what}.",
        f"Name one with --{role}-model, or correct {option}.",
    )


def reason(error: Exception) -> str:
    """`error` in one line."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def remedy_for(error: Exception, role: Role, otherwise: str) -> str:
    """What to do about a server that does not answer."""
    if isinstance(error, urllib.error.HTTPError) and error.code in (401, 403):
        return f"Put its key into the environment variable DUALCODE_{role.upper()}_API_KEY."
    if getattr(error, "code", None) in NO_LIST:
        return f"{otherwise} If it has no list of models, name one with --{role}-model."
    return otherwise


def attach(
    role: Role, urls: tuple[str, ...], wanted: str | None, profile: RoleProfile
) -> RoleEndpoint:
    """Check the servers behind `urls`, which must all serve the same model.

    Token budgets come from `profile`, bounded by what the servers say they hold.
    """
    bases = tuple(base_url(url, f"--{role}-url") for url in urls)
    found = [find_model(role, url, wanted) for url in bases]
    for url, model in zip(bases, found, strict=True):
        if model.name != found[0].name:
            raise ServerError(
                f"The {role}'s servers differ: {bases[0]} serves {found[0].name}, "
                f"{url} serves {model.name}.",
                "Several URLs for one role must be replicas of one model.",
            )
    model = found[0]
    thinking = profile.thinking or supports_thinking(model.family_name)
    style = chosen_style(profile, model.family_name, model.owner)
    lengths = [model.max_model_len for model in found if model.max_model_len]
    length = min(lengths) if lengths else None
    return endpoint(role, bases, model.name, length, profile, thinking, style, launched=False)


def chosen_style(profile: RoleProfile, model: str, owner: str | None = None) -> ThinkingStyle:
    """Return the profile's style, which was checked when it was read, or that of the `model`."""
    return cast(ThinkingStyle, profile.thinking_style) or style_of(model, owner)


def endpoint(
    role: Role,
    urls: tuple[str, ...],
    model: str,
    max_model_len: int | None,
    profile: RoleProfile,
    thinking: bool,
    style: ThinkingStyle,
    launched: bool,
) -> RoleEndpoint:
    """Put an endpoint together; a third of the context stays free for the prompt.

    Servers refuse a request whose ``max_tokens`` cannot fit, so a budget made for a larger
    context would turn every item into an error.
    """
    most = max_model_len * 2 // 3 if max_model_len else max(profile.draft_tokens, 1 << 20)
    return RoleEndpoint(
        role=role,
        urls=urls,
        model=model,
        max_model_len=max_model_len,
        draft_tokens=min(profile.draft_tokens, most),
        review_tokens=min(profile.review_tokens, most),
        thinking=thinking,
        max_in_flight=profile.max_in_flight,
        launched=launched,
        sampling=dict(profile.sampling),
        thinking_budget=profile.thinking_budget,
        thinking_style=style,
        thinking_effort=profile.thinking_effort,
        answer_effort=profile.answer_effort,
    )
