"""What D1 alone may fail with."""

from models.errors import DiskFull, RemoteError, StorageError


class Failed(StorageError):
    """D1 refused a statement in words that stand for nothing expected: a bug, whose batch was rolled back."""

    heading = "The database refused it"
    sentence = "The database refused this ({what}); nothing was changed."


class DatabaseFull(DiskFull):
    """As SQLite says it of the last number, too."""

    heading = "The database is full"
    sentence = "{name} is as large as D1 lets it be; nothing was changed. Remove something first."


class InUse(StorageError):
    """Of a file that `wrangler dev` has, while another program writes to it."""

    heading = "The database is in use"
    is_retriable = True
    sentence = (
        "{name} is in use by another program, which is writing to it, as `wrangler d1 execute` does; nothing "
        "was changed. Try again in a moment."
    )


class NotReached(RemoteError):
    """No connection came about, so nothing was sent."""

    heading = "The database cannot be reached"
    sentence = "{name} cannot be reached ({why}); nothing was changed. Check the network and the address."


class ServerGone(NotReached):
    """The same of a `wrangler dev`, which people end and start as they work, and whose address is kept."""

    sentence = (
        "{name} cannot be reached ({why}); nothing was changed. "
        "Start `wrangler dev` again, at the same port. "
        "At another the connection needs that address; one to the project's folder finds it at any."
    )


class ServerMoved(ServerGone):
    """The same where it is looked for each time that the database is opened."""

    may_be_elsewhere = True
    sentence = (
        "{name} cannot be reached ({why}); nothing was changed. Start `wrangler dev` again, and open the "
        "database again, which finds it at another port, too."
    )


class UnknownDatabase(RemoteError):
    """None of that name or id is there. wrangler's server would make an empty one."""

    heading = "There is no such database"
    why = "one that is"
    sentence = "No database {what} is listed there; choose {why}."


class DatabaseGone(UnknownDatabase):
    """The one that a connection leads to, by its id, is none."""

    heading = "The database is not there"
    sentence = (
        "There is no database {why} in the account of {name}: it was deleted, or is another account's; "
        "nothing was changed. Look at what the connection says, or connect to one that is there."
    )


class NoList(RemoteError):
    """What is asked for the databases of an account has no such address."""

    heading = "There is no list of databases"
    is_retriable = False
    sentence = (
        "What answers for {name} knows no such account, or is no API of D1's (status 404); nothing was "
        "changed. Check the account, and the address, which ends before “/accounts”."
    )


class NotOffered(RemoteError):
    heading = "There is no Time Travel here"
    sentence = (
        "The API that serves {name} has no Time Travel, as `wrangler dev` has none; nothing was changed. A "
        "copy that is saved first can be loaded into an empty database, by `npx wrangler d1 execute`."
    )


class ReturnUnknown(RemoteError):
    """The way to a bookmark was sent and no answer tells; `what` is the bookmark of what was before."""

    heading = "It is not known whether the database went back"
    is_undecided = True
    sentence = (
        "It is not known whether {name} went back: it gave no answer that tells ({why}). Where it has not, it"
        " may within two minutes: look then, before anything is written to it. The bookmark of what it held "
        "before is kept, and where it could be asked for, that of what it held then."
    )
