"""One CPU thread a process: part of the numerics class, so that results are bit-identical."""


def one_thread() -> None:
    """Parallelism is across jobs; a sum over two threads would round differently."""
    import torch

    torch.set_num_threads(1)
    # Denormals slow tiny models down several times, and differ between machines.
    torch.set_flush_denormal(True)
