"""What every test here starts from."""

from tests.support.fixtures import _alone, shell

__all__ = ["_alone", "shell"]
