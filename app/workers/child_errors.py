"""Expected failures on their way between two processes: the same class, the same sentence."""

from typing import Any

from app.services import errors
from app.services.errors import TenantAdminError

Document = dict[str, Any]


def document(error: TenantAdminError) -> Document:
    """The error as data."""
    return {"kind": type(error).__name__, "sentence": str(error), "facts": vars(error)}


def error_of(data: Document) -> TenantAdminError:
    """The error that `document` was made of; one that is not in `app.services.errors` keeps its sentence."""
    kind = getattr(errors, data["kind"], TenantAdminError)
    if not (isinstance(kind, type) and issubclass(kind, TenantAdminError)):
        kind = TenantAdminError
    # Their constructors make the sentence out of what only the other process has.
    error = kind.__new__(kind, data["sentence"])
    error.__dict__.update(data["facts"])
    return error
