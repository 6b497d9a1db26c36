"""What D1 alone may fail with."""

from models.errors import RemoteError, StorageError


class Failed(StorageError):
    """D1 refused a statement in words that stand for nothing expected: a bug, whose batch was rolled back."""

    heading = "The database refused it"
    sentence = "The database refused this ({what}); nothing was changed."


class NotReached(RemoteError):
    """No connection came about, so nothing was sent."""

    heading = "The database cannot be reached"
    sentence = "{name} cannot be reached ({why}); nothing was changed. Check the network and the address."


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


class NoAnswer(RemoteError):
    """A read that failed, several times: nothing was to be written."""

    sentence = "{name} did not answer as it should ({why}); nothing was changed. Try again."
