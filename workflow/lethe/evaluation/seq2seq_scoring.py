"""Log-likelihoods of an encoder-decoder: every context is encoded once, as lm-eval encodes it."""

from collections.abc import Iterator, Sequence

import torch

from lethe.models.seq2seq_forward import BLOCK_MASKED, head

# (texts, context tokens, continuation tokens), as lm-eval hands them on.
Request = tuple[object, list[int], list[int]]
Answer = tuple[float, bool]

# Models of which the parts are known, and that nothing follows the output layer.
KNOWN = BLOCK_MASKED


def score(
    model, requests: Sequence[Request], batch_size: int, max_length: int, dtype
) -> list[Answer]:
    """(log-likelihood in nats, is greedy) of every request.

    The encoder reads the context, cut on its left to `max_length` tokens; the decoder begins with
    its start token and predicts the continuation. Scores equal lm-eval's to rounding.

    Args:
        batch_size: requests computed at once.
        dtype: in which the log-softmax is taken.
    """
    order = sorted(range(len(requests)), key=lambda i: (-len(requests[i][1]), requests[i][1], i))
    answers: dict[int, Answer] = {}
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        found = _score_batch(model, [requests[i] for i in numbers], max_length, dtype)
        answers |= dict(zip(numbers, found, strict=True))
    return [answers[i] for i in range(len(requests))]


@torch.no_grad()
def _score_batch(model, requests: Sequence[Request], max_length: int, dtype) -> Iterator[Answer]:
    contexts = [tuple(context[-max_length:]) for _, context, _ in requests]
    places = {context: place for place, context in enumerate(dict.fromkeys(contexts))}
    owners = torch.tensor([places[context] for context in contexts], device=model.device)
    ids, mask = _padded(list(places), model)
    encoded = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    start = model.config.decoder_start_token_id
    inputs, _ = _padded([(start, *rest[:-1]) for _, _, rest in requests], model)
    hidden = model.decoder(
        input_ids=inputs,
        encoder_hidden_states=encoded[owners],
        encoder_attention_mask=mask[owners],
        use_cache=False,
    ).last_hidden_state
    lengths = [len(rest) for _, _, rest in requests]
    scored = torch.cat([hidden[row, :length] for row, length in enumerate(lengths)])
    targets = torch.tensor([token for _, _, rest in requests for token in rest]).to(model.device)
    logits = head(model, scored)
    logprobs = logits.log_softmax(dim=-1, dtype=dtype).gather(1, targets[:, None])[:, 0]
    greedy = logits.argmax(dim=-1) == targets
    sums = [float(part.sum()) for part in logprobs.split(lengths)]
    return zip(sums, (bool(part.all()) for part in greedy.split(lengths)), strict=True)


def _padded(texts: list[tuple[int, ...]], model) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids [R, L], padded with 0 on the right, and their mask."""
    width = max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts])
    lengths = torch.tensor([len(text) for text in texts])
    mask = (torch.arange(width) < lengths[:, None]).long()
    return ids.to(model.device), mask.to(model.device)
