"""What every test here starts from."""

from tests.support.fixtures import _alone, machine

__all__ = ["_alone", "machine"]
