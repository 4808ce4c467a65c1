"""Profiles: which models play the two roles, and how vLLM is to serve them.

The shipped ones are in ``profiles.toml``; a user's file of the same form adds to them or
replaces them. `choose_profile` resolves a name, ``auto`` included, and says why.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import UsageError
from pytest_dualcode.models.thinking import STYLES, family_of
from pytest_dualcode.types import ROLES, Role

Device = Literal["any", "cpu", "gpu"]

AUTO_ORDER = ("paper", "one-gpu", "small")
"""What ``auto`` tries on a machine with GPUs, the most capable first."""


@dataclass(frozen=True, slots=True)
class RoleProfile:
    """How one role is served; token counts are completion tokens, reasoning included.

    ``model`` is a hub id, a local folder, or ``package:NAME`` for weights that ship in a Python
    package. ``served_name`` is what requests call it; empty means the hub id or the folder's
    name. ``gpu`` counts among the visible GPUs. ``thinking`` says whether the model has a
    reasoning mode that can be switched, ``thinking_style`` how (empty: by the model's name);
    ``thinking_effort`` and ``answer_effort`` are the words for calls with and without a thought
    where the style has words. ``thinking_budget`` is the most tokens of a thought. ``sampling``
    goes into every request of the role. ``price_per_hour`` is money for the role's servers, in the
    user's unit.
    """

    model: str
    served_name: str = ""
    max_model_len: int = 8192
    draft_tokens: int = 2048
    review_tokens: int = 2048
    max_in_flight: int = 16
    thinking: bool = False
    reasoning_parser: str = ""
    gpu: int = 0
    flags: tuple[str, ...] = ()
    gpu_flags: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)
    thinking_budget: int | None = None
    price_per_hour: float | None = None
    gpus: int | None = None
    thinking_style: str = ""
    thinking_effort: str = ""
    answer_effort: str = ""

    def served_like(self, other: RoleProfile) -> bool:
        """Whether one server can answer both; how they are asked may differ."""
        return all(getattr(self, name) == getattr(other, name) for name in SERVING)

    def gpus_used(self, device: Literal["cpu", "gpu"]) -> int:
        """How many cards its server works on: as said, or by its parallelism flags."""
        if self.gpus is not None:
            return self.gpus
        return parallel_workers([*self.flags, *self.gpu_flags]) if device == "gpu" else 0

    @property
    def name(self) -> str:
        """The name that requests and records use for the model."""
        if self.served_name:
            return self.served_name
        return Path(self.model).name if is_folder(self.model) else self.model


SERVING = (
    "model",
    "served_name",
    "revision",
    "max_model_len",
    "reasoning_parser",
    "gpu",
    "flags",
    "gpu_flags",
    "cpu_flags",
    "environment",
)
"""The settings that decide how a server is started; the others only how it is asked."""

SAMPLING: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (0, 2**31),
    "min_p": (0, 1),
    "repetition_penalty": (0, 2),
    "presence_penalty": (-2, 2),
    "seed": (0, 2**63 - 1),
}
"""Valid keys of a ``sampling`` table, with their lowest and highest value (vLLM's bounds)."""

PARALLEL = {
    "--tensor-parallel-size",
    "-tp",
    "--pipeline-parallel-size",
    "-pp",
    "--data-parallel-size",
    "-dp",
}
"""vLLM's flags whose product is the number of cards that a server works on."""

ATTACHED = RoleProfile(model="", review_tokens=4096, max_in_flight=32)
"""Budgets for a server of the user's own when no profile was asked for."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Both roles; ``gpus`` cards with ``gpu_gib`` GiB each are what ``auto`` asks for.

    ``turns``: both servers on one card, one of them asleep at any time.
    """

    name: str
    coder: RoleProfile
    planner: RoleProfile
    summary: str = ""
    device: Device = "any"
    gpus: int = 0
    gpu_gib: int = 0
    turns: bool = False

    def role(self, role: Role) -> RoleProfile:
        """The coder's or the planner's part."""
        return self.coder if role == "coder" else self.planner


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics card as ``nvidia-smi`` reports it."""

    index: int
    name: str
    gib: float


def parallel_workers(flags: Sequence[str]) -> int:
    """The product of the `PARALLEL` flags, given as ``--flag N`` or ``--flag=N``."""
    words = [word for flag in flags for word in flag.split("=", 1)]
    product = 1
    for flag, value in itertools.pairwise(words):
        if flag.replace("_", "-") in PARALLEL and value.isdigit():
            product *= max(1, int(value))
    return product


def is_folder(model: str) -> bool:
    """Whether `model` names a local folder rather than a hub id."""
    return Path(model).expanduser().is_dir()


def load_profiles(user_file: Path | None = None) -> dict[str, Profile]:
    """The shipped profiles, and over them those of `user_file`.

    Raises `UsageError` if the file cannot be read or holds a key that no profile has.
    """
    source = "the shipped profiles.toml"
    shipped = resources.files("pytest_dualcode.models").joinpath("profiles.toml")
    tables = read_tables(shipped.read_text("utf-8"), source)
    if user_file is not None:
        source = str(user_file)
        tables |= read_tables(read_user_file(user_file), source)
    return {name: build_profile(name, tables, source) for name in tables}


def read_user_file(path: Path) -> str:
    """The text of a user's profile file."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The profile file {path} cannot be read: {error}.",
            "Give the path of a TOML file with [profiles.NAME.coder] tables.",
        ) from error


def read_tables(text: str, source: str) -> dict[str, dict[str, Any]]:
    """The ``[profiles]`` table of a TOML text, one entry for each profile."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is not valid TOML: {error}.", "Correct that line.") from error
    tables = document.get("profiles", {})
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise UsageError(
            f"{source}: [profiles] does not hold tables.",
            "Write each profile as [profiles.NAME] with [profiles.NAME.coder] below it.",
        )
    return tables


def build_profile(name: str, tables: Mapping[str, dict[str, Any]], source: str) -> Profile:
    """Check the tables of one profile and freeze them."""
    table = inherited(name, tables, source)
    where = f"{source}: profile {name!r}"
    roles = {role: table.pop(role, None) for role in ROLES}
    if roles["coder"] is None:
        raise UsageError(f"{where} has no coder.", f"Add a table [profiles.{name}.coder].")
    coder = checked(RoleProfile, roles["coder"], f"{where}, coder")
    planner = roles["planner"]
    if isinstance(planner, dict) and isinstance(roles["coder"], dict) and "model" not in planner:
        planner = {**roles["coder"], **planner}  # the coder's server, asked in another way
    planner = coder if planner is None else checked(RoleProfile, planner, f"{where}, planner")
    for role, part in (("coder", coder), ("planner", planner)):
        check_role(part, f"{where}, {role}")
    profile: Profile = checked(
        Profile, {**table, "name": name, "coder": coder, "planner": planner}, where
    )
    if profile.device not in get_args(Device):
        raise UsageError(
            f"{where}: device = {profile.device!r} is not known.",
            f"Valid: {', '.join(get_args(Device))}.",
        )
    return profile


def check_role(role: RoleProfile, where: str) -> None:
    """Raise `UsageError` for values that cannot be meant."""
    for name, value in role.sampling.items():
        if name not in SAMPLING:
            raise UsageError(
                f"{where}: sampling has the unknown key {name!r}.",
                f"Valid keys: {', '.join(SAMPLING)}.",
            )
        low, high = SAMPLING[name]
        if not low <= value <= high or (name in ("top_k", "seed") and value != int(value)):
            raise UsageError(
                f"{where}: {name} = {value!r} cannot be.",
                f"Give {'a whole number' if name in ('top_k', 'seed') else 'a number'} from {low} "
                f"to {high}.",
            )
    if role.thinking_style not in ("", *STYLES):
        raise UsageError(
            f"{where}: thinking_style = {role.thinking_style!r} is not known.",
            f"Valid: {', '.join(STYLES)}.",
        )
    for name in ("thinking_budget", "price_per_hour", "gpus"):
        if (getattr(role, name) or 0) < 0:
            raise UsageError(f"{where}: {name} is negative.", "Give 0 or more.")
    if role.thinking_budget is not None and not role.reasoning_parser:
        raise UsageError(
            f"{where}: thinking_budget needs a reasoning_parser: vLLM ends thoughts with it.",
            'Add reasoning_parser = "qwen3" or the one that fits the model.',
        )


def inherited(
    name: str, tables: Mapping[str, dict[str, Any]], source: str, seen: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The tables of `name` over those of the profile that it ``extends``, role by role."""
    own = dict(tables[name])
    parent = own.pop("extends", None)
    if parent is None:
        return own
    if parent not in tables or parent in (*seen, name):
        raise UsageError(
            f"{source}: profile {name!r} extends {parent!r}, which is not another profile.",
            f"Valid names: {', '.join(sorted(tables))}.",
        )
    base = inherited(parent, tables, source, (*seen, name))
    merged = {**base, **own}
    for role in ROLES:
        if isinstance(own.get(role), dict):
            merged[role] = {**base.get(role, {}), **own[role]}
    return merged


def checked(kind: Any, table: Any, where: str) -> Any:
    """Build the dataclass `kind` from a TOML table; unknown keys and wrong types are errors."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.", "Write it as [profiles.NAME.ROLE].")
    types = {f.name: str(f.type) for f in fields(kind)}
    unknown = sorted(set(table) - set(types))
    if unknown:
        raise UsageError(
            f"{where}: unknown key {', '.join(map(repr, unknown))}.",
            f"Valid keys: {', '.join(sorted(types))}.",
        )
    if "model" in types and "model" not in table:
        raise UsageError(f"{where} names no model.", 'Add model = "..." to it.')
    return kind(**{key: converted(key, v, types[key], where) for key, v in table.items()})


def converted(key: str, value: Any, type_name: str, where: str) -> Any:
    """Check one TOML value against the dataclass's annotation."""
    wanted: dict[str, tuple[Any, str]] = {
        "str": (str, "text"),
        "int": (int, "a whole number"),
        "bool": (bool, "true or false"),
        "tuple[str, ...]": (list, "a list of texts"),
        "Mapping[str, str]": (dict, "a table of texts"),
        "Device": (str, "text"),
        "int | None": (int, "a whole number"),
        "float | None": (int | float, "a number"),
        "Mapping[str, float]": (dict, "a table of numbers"),
    }
    if type_name not in wanted:
        return value
    kind, words = wanted[type_name]
    part_kind = int | float if type_name == "Mapping[str, float]" else str
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not right or not all(isinstance(p, part_kind) and p is not True for p in parts):
        raise UsageError(f"{where}: {key} = {value!r} is not {words}.", f"Give {words}.")
    return tuple(value) if kind is list else value


def choose_profile(config: RunConfig, gpus: Sequence[Gpu], gpu_build: bool) -> tuple[Profile, str]:
    """The profile of this run with the user's models put in, and why it was chosen.

    `gpu_build` says whether the server's Python holds a vLLM that drives GPUs. Raises
    `UsageError` with the valid names if there is no such profile.
    """
    profiles = load_profiles(config.profile_file)
    if config.profile == "auto":
        name, why = automatic(profiles, gpus, gpu_build)
    else:
        name, why = config.profile, "as asked"
    if name not in profiles:
        raise UsageError(
            f"There is no profile {name!r}.",
            f"Valid names: auto, {', '.join(sorted(profiles))}. Your own go into a TOML file: "
            "[profiles.NAME.coder] in dualcode.toml beside your pytest settings.",
        )
    return with_models(profiles[name], config), f"profile {name} ({why})"


def automatic(
    profiles: Mapping[str, Profile], gpus: Sequence[Gpu], gpu_build: bool
) -> tuple[str, str]:
    """What ``auto`` takes on a machine with these GPUs, and the reason in words."""
    if not gpus:
        return "tiny", "auto: no GPU seen"
    seen = f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}, the smallest {smallest(gpus):.0f} GiB"
    if not gpu_build:
        return "tiny", f"auto: {seen}, but the server's Python has no vLLM for GPUs"
    for name in AUTO_ORDER:
        if fits(profiles[name], gpus):
            return name, f"auto: {seen}"
    return "tiny", f"auto: {seen}, too small for {AUTO_ORDER[-1]}"


def smallest(gpus: Sequence[Gpu]) -> float:
    """Memory of the smallest card, in GiB."""
    return min(gpu.gib for gpu in gpus)


def fits(profile: Profile, gpus: Sequence[Gpu]) -> bool:
    """Whether the first cards (those that the profile's ``gpu`` numbers mean) are enough."""
    first = gpus[: profile.gpus]
    return len(first) == profile.gpus and all(gpu.gib >= profile.gpu_gib for gpu in first)


def with_models(profile: Profile, config: RunConfig) -> Profile:
    """Put ``--coder-model`` and ``--planner-model`` in, for roles that are not attached.

    In a profile whose planner is its coder, the coder's model is the planner's too. An
    attached role keeps the budgets of a profile only if the user asked for one.
    """
    one_server = profile.planner.served_like(profile.coder)
    automatic = config.profile == "auto"
    coder = other_model(profile.coder, None if config.coder_urls else config.coder_model)
    planner = profile.planner
    if one_server:
        planner = other_model(planner, None if config.coder_urls else config.coder_model)
    planner = other_model(planner, None if config.planner_urls else config.planner_model)
    return replace(
        profile,
        coder=ATTACHED if automatic and config.coder_urls else coder,
        planner=ATTACHED if automatic and config.planner_urls else planner,
    )


def other_model(role: RoleProfile, model: str | None) -> RoleProfile:
    """The same settings for another model; what depends on its family follows its name."""
    if model is None or model == role.model:
        return role
    folder = str(Path(model).expanduser().resolve()) if is_folder(model) else model
    family = family_of(folder)
    return replace(
        role,
        model=folder,
        served_name="",
        revision="",
        thinking=family is not None and family.thinks,
        reasoning_parser=family.parser if family is not None else "",
        thinking_style="",
    )


def visible_gpus() -> list[Gpu]:
    """NVIDIA's cards in the order of ``CUDA_VISIBLE_DEVICES``; none where there is no driver."""
    query = ["nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return in_visible_order(parse_gpus(done.stdout), os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse_gpus(csv: str) -> list[Gpu]:
    """Read ``nvidia-smi``'s lines ``index, name, MiB``; others (a warning) are skipped."""
    gpus = []
    for line in csv.splitlines():
        match = re.fullmatch(r"\s*(\d+),\s*(.+?),\s*(\d+)\s*", line)
        if match:
            gpus.append(Gpu(int(match[1]), match[2], int(match[3]) / 1024))
    return gpus


def in_visible_order(gpus: Sequence[Gpu], visible: str | None) -> list[Gpu]:
    """Keep and order the cards that ``CUDA_VISIBLE_DEVICES`` names; UUIDs are not resolved."""
    if visible is None or not re.fullmatch(r"\s*\d*\s*(,\s*\d+\s*)*", visible):
        return list(gpus)
    by_index = {gpu.index: gpu for gpu in gpus}
    wanted = [int(part) for part in visible.split(",") if part.strip()]
    return [by_index[index] for index in wanted if index in by_index]
