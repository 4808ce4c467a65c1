"""Turns a GGUF file into a folder that vLLM serves: ``python gguf_to_folder.py GGUF FOLDER``.

Runs in the server's Python, by its path, and imports nothing of this package. transformers
reads the quantised weights into ordinary tensors; saved as bfloat16 safetensors they are a
plain model, which vLLM loads on any device.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def convert(gguf: Path, folder: Path) -> None:
    """Write the model in `gguf`, its tokenizer and its chat template into `folder`."""
    # By name, since type checkers run where neither is installed.
    torch = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": str(gguf.parent),
        "gguf_file": gguf.name,
    }
    loaded = transformers.AutoModelForCausalLM.from_pretrained(**source)
    # The loaded object remembers that it was quantised, and so would the folder's config.json,
    # which vLLM would take at its word; a fresh model of the same class does not.
    if hasattr(loaded.config, "quantization_config"):
        del loaded.config.quantization_config
    model = type(loaded)(loaded.config)
    model.load_state_dict(loaded.state_dict())
    model.to(torch.bfloat16).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
