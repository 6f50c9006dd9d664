"""A local server that imports the heavy libraries once and forks a process for each job.

Importing torch, transformers and lm-eval costs each process seconds; a fork costs milliseconds. The
server only imports: it runs no torch operation, so a forked job computes what a fresh one would.
`launch.start()` in the workflow's main process switches it on, LETHE_FORKSERVER=0 switches it off.
"""
