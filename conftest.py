"""This repository's own pytest settings, beside those in pyproject.toml.

Kept empty of hooks: with an editable install, sessions elsewhere collect the problems from this
folder and would load whatever stands here.
"""
