"""The engines that run an evaluation's forward passes."""
