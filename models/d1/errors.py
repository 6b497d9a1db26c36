"""What a live database may fail with beside a file's failures."""

from datetime import datetime

from models.errors import StorageError


class RemoteError(StorageError):
    """Between this program and a database somewhere else something failed."""

    heading = "The database did not answer"


class Failed(StorageError):
    """D1 refused a statement in words that stand for nothing expected: a bug, whose batch was rolled back."""

    heading = "The database refused it"
    sentence = "The database refused this ({what}); nothing was changed."


class NotReached(RemoteError):
    """No connection came about, so nothing was sent."""

    heading = "The database cannot be reached"
    sentence = "{name} cannot be reached ({why}); nothing was changed. Check the network and the address."


class TokenRefused(RemoteError):
    heading = "The token is refused"
    why = "it is not valid, or was revoked"
    sentence = (
        "Cloudflare refuses the token of {name} ({why}); nothing was changed. "
        "Enter one that may read and edit D1."
    )


class UnknownDatabase(RemoteError):
    """The account has none of that name or id. wrangler's server would make an empty one."""

    heading = "There is no such database"
    sentence = "The account has no database {what}; choose one from its list."


class NotOffered(RemoteError):
    heading = "There is no Time Travel here"
    sentence = (
        "The API that serves {name} has no Time Travel, as `wrangler dev` has none; nothing was changed. Put "
        "back a copy instead."
    )


class RateLimited(RemoteError):
    """No call is taken before `until`, in epoch seconds."""

    heading = "Cloudflare asks to wait"
    sentence = (
        "The account's calls are used up, so Cloudflare takes none from {name} until {why}; "
        "nothing was changed."
    )

    def __init__(self, place: str, until: float) -> None:
        super().__init__(place, datetime.fromtimestamp(until).strftime("%H:%M:%S"))
        self.until = until


class NoAnswer(RemoteError):
    """A read that failed, several times: nothing was to be written."""

    sentence = "{name} did not answer as it should ({why}); nothing was changed. Try again."


class OutcomeUnknown(RemoteError):
    """A batch was sent and its answer was lost; it may still come through."""

    heading = "It is not known whether this was saved"
    is_undecided = True
    sentence = (
        "It is not known whether this was saved: {name} gave no answer that tells ({why}). "
        "Check again before anything else is changed there."
    )


class EarlierUnknown(OutcomeUnknown):
    """The same of what was done before, which is waited for: nothing was sent of what is asked for now."""

    heading = "It is not known whether the last change was saved"
    is_undecided = False
    sentence = (
        "It is not known yet whether the last change to {name} was saved ({why}); nothing was changed now. "
        "Check again in a moment."
    )
