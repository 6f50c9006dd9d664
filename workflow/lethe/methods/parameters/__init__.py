"""Hyper-parameters of the methods, typed: one module a method, named as it, with `PARAMETERS`.

The one home of defaults, bounds and choices. They are read without importing torch, so that a
study with a wrong value is refused before anything runs.
"""
