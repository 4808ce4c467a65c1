"""This repository's own pytest settings."""

pytest_plugins = ["pytester"]
