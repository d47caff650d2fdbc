"""
Inputs that nobody thought of, for three targets: wire, links and hub.

Each target is a module with a function ``check`` that takes any bytes and raises
where something does not hold. The tests of ``tests/fuzz`` call it with what
hypothesis makes up and with what is in ``fuzz/corpus``; ``make atheris`` looks for
inputs that reach what no other has.
"""
