"""Errors of the hub or the network as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from httpx2 import RemoteProtocolError, TransportError
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lethe.errors import UserError

# What to correct, if a spec does not say where its repository is named.
CATALOGUE = {
    "revision": "correct its `revision` in the catalogue, or set it to null to look up and record "
    "the current one",
    "name": "correct its name in the catalogue",
    "fetch": "fetch on a machine with network access (`lethe fetch NODE`)",
}
# The hub library's message for a file that is shorter than announced.
CUT = "Consistency check failed"
AGAIN = "run again: complete files are kept"


@contextmanager
def hub_errors_as_sentences(spec: dict, endpoint: str) -> Iterator[None]:
    """Turn an error of the hub about the repository of `spec` into a UserError.

    Args:
        spec: with `advice` on `revision`, `name` and `fetch`, if no catalogue names the repository.
    """
    try:
        yield
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, TransportError) as error:
        raise UserError(_sentence(error, spec, endpoint)) from error
    except LocalEntryNotFoundError as error:
        raise UserError(_sentence(_first_cause(error), spec, endpoint)) from error
    except OSError as error:
        if CUT not in str(error):
            raise
        raise UserError(_sentence(error, spec, endpoint)) from error


def _first_cause(error: BaseException) -> BaseException:
    """The error that the hub's library wraps as a missing file of its cache."""
    while isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def gated_sentence(repo: str, repo_type: str, endpoint: str, refused: bool) -> str:
    """How to get access to a gated repository.

    Args:
        refused: a token was given, but it has no access.
    """
    page = f"{endpoint}/{'datasets/' if repo_type == 'dataset' else ''}{repo}"
    if refused:
        return (
            f"{repo} is gated and the token given has no access: accept its terms at {page} with "
            "the account of this token, or log in with another one (`hf auth login` or HF_TOKEN)."
        )
    return (
        f"{repo} is gated: accept its terms at {page}, then log in with `hf auth login` or set "
        "HF_TOKEN, and run again."
    )


def _sentence(error: BaseException, spec: dict, endpoint: str) -> str:
    repo, kind = spec["repo"], spec["repo_type"]
    advice = spec.get("advice", CATALOGUE)
    if isinstance(error, GatedRepoError):
        return gated_sentence(repo, kind, endpoint, error.response.status_code == 403)
    if isinstance(error, RevisionNotFoundError):
        return f"{repo} has no revision {spec['revision']} at {endpoint}; {advice['revision']}."
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"There is no {kind} {repo} at {endpoint}, or it is private: {advice['name']}, or log "
            "in with `hf auth login` or HF_TOKEN."
        )
    if isinstance(error, HFValidationError):
        return (
            f"Expected the name of a hub repository, OWNER/NAME, found {repo!r}; {advice['name']}."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"HF_HUB_OFFLINE does not allow fetching {repo}; run `HF_HUB_OFFLINE=0 lethe fetch "
            "NODE` on a machine with network access."
        )
    if isinstance(error, EntryNotFoundError):
        return f"A file of {repo} is missing at {endpoint} though it is listed there; {AGAIN}."
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"{endpoint} answered {status} to a request for {repo}; wait a moment and {AGAIN}."
    return _network(error, repo, endpoint, advice["fetch"])


def _network(error: BaseException, repo: str, endpoint: str, advice: str) -> str:
    if CUT in str(error) or isinstance(error, RemoteProtocolError):
        return f"The download of {repo} was interrupted; {AGAIN}."
    return (
        f"{endpoint} cannot be reached to fetch {repo} ({type(error).__name__}); {advice}, or set "
        f"HF_ENDPOINT to a mirror, and {AGAIN}."
    )
