"""What a model has one row a token of: its input and output embeddings, and the output's bias."""

import torch


def embedding_matrices(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The weights [vocabulary, width] of the input and of the output embeddings.

    One parameter if they are tied, and if the model has no output layer.
    """
    layers = (model.get_input_embeddings(), model.get_output_embeddings())
    found = {id(layer.weight): layer.weight for layer in layers if layer is not None}
    return list(found.values())


def token_rows(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Parameters by name whose rows, or entries, each belong to a token; tied ones once."""
    output = model.get_output_embeddings()
    rows = [*embedding_matrices(model), getattr(output, "bias", None)]
    wanted = {id(parameter) for parameter in rows if parameter is not None}
    return {name: p for name, p in model.named_parameters() if id(p) in wanted}
