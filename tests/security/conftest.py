"""What every test here starts from."""

from tests.support.fixtures import _alone, machine, shell

__all__ = ["_alone", "machine", "shell"]
