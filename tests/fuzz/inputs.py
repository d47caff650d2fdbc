"""Inputs of the fuzz targets."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus"

TARGETS = ("wire", "links", "hub")


def corpus(target: str) -> dict[str, bytes]:
    """Return the committed inputs of a target by the names of their files."""
    return {path.name: path.read_bytes() for path in (CORPUS / target).iterdir()}


def inputs(target: str) -> st.SearchStrategy[bytes]:
    """Inputs of a target: any bytes, and committed ones that were changed."""
    known = [data for _, data in sorted(corpus(target).items())]
    changed = st.builds(
        _changed,
        st.sampled_from(known),
        st.sampled_from(known),
        st.integers(0, 400),
        st.binary(max_size=20),
    )
    return st.one_of(
        st.binary(max_size=60), st.binary(min_size=150, max_size=400), changed
    )


def _changed(one: bytes, other: bytes, at: int, new: bytes) -> bytes:
    """Return the beginning of *one*, something new, and the rest of *other*."""
    return one[:at] + new + other[at:]
