"""How the parameters of a stage are trained, beside the method: all of them, or a few.

`parameters.py` has the typed settings of every kind, which planning reads too, and imports nothing
heavy. `parametrised.py` is what a stage calls, `composed.py` what loads a checkpoint.
"""
