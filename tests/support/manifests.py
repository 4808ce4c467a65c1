"""The Kubernetes manifests of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

MANIFESTS = Path(__file__).parents[2] / "docs" / "kubernetes.yaml"


def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    """Return each manifest by its kind and name. Skips where PyYAML is not installed."""
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the manifests")
    found = list(yaml.safe_load_all(MANIFESTS.read_text("utf-8")))
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the one container of a Deployment or Job."""
    (only,) = manifest["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only
