"""Typed hyper-parameters of the methods: one module per method, of the same name, `PARAMETERS`.

Defaults, bounds and choices are defined here alone. They are read without importing torch, so that
a study with a wrong value is refused before anything runs.
"""
