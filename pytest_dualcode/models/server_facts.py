"""What a role's server says about itself, for ``run.json``. No answer is never an error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import endpoints
from pytest_dualcode.models.endpoints import RoleEndpoint
from pytest_dualcode.models.metrics import read_metrics


def facts(place: RoleEndpoint) -> dict[str, Any]:
    """Return what every server can be asked: model, root, length, version."""
    return {
        "model": place.model,
        "launched": place.launched,
        "replicas": len(place.urls),
        "max_model_len": place.max_model_len,
        "root": ask(lambda: model_root(place)),
        "vllm": ask(lambda: vllm_version(place)),
    }


def ask(question: Callable[[], Any]) -> Any:
    """An answer of a server, or ``None`` where it has none: a record must not fail for it."""
    try:
        return question()
    except (OSError, ValueError, ServerError):
        return None


def vllm_version(place: RoleEndpoint) -> Any:
    """The version that vLLM's ``/version`` gives; other servers have no such path."""
    key = endpoints.api_key(place.role)
    url = endpoints.server_root(place.urls[0]) + "/version"
    reply = endpoints.get_json(url, key)
    return reply.get("version") if isinstance(reply, dict) else None


def counters(place: RoleEndpoint) -> dict[str, float]:
    """The counters of a role's servers that have any."""
    key = endpoints.api_key(place.role)
    sums: dict[str, float] = {}
    for url in place.urls:
        page = endpoints.server_root(url) + "/metrics"
        text = ask(functools.partial(endpoints.get_text, page, key)) or ""
        for name, value in read_metrics(text).items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def model_root(place: RoleEndpoint) -> str | None:
    """The model that a server loaded, whatever name it serves it under."""
    url = place.urls[0]
    return endpoints.find_model(place.role, url, place.model).root
