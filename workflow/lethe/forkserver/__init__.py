"""A local server that has imported the heavy libraries and forks a process for each job.

Importing torch, transformers and lm-eval costs seconds a process; a fork costs milliseconds. The
server only imports: it runs no torch operation, so a forked job computes what a fresh one would.
`launch.start()` in the workflow's main process switches it on, LETHE_FORKSERVER=0 switches it off.
"""
