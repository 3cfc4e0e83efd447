"""The project's own checks over the source tree; scripts/check runs them, tests/checks proves that each one bites."""
