"""pytest-dualcode: does a second model that reviews make the first one's code better?"""

__version__ = "0.1.0"
