"""The ``vdproxy`` command."""
