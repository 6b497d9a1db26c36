"""Connects a form to the act that it fills in."""

from collections.abc import Callable
from typing import Any

from app.services.errors import InvalidInput, TenantAdminError
from app.services.records.change import Change
from app.ui.shell.context import Context
from app.ui.widgets.form_dialog import FormDialog


def submit(context: Context, dialog: FormDialog, function: Callable[..., Change], *args: Any) -> None:
    """Runs the act; closes the form when it is done, or says below the right field why it was not."""

    def failed(error: TenantAdminError) -> None:
        dialog.set_busy(False)
        known = isinstance(error, InvalidInput) and error.field in dialog.values()
        dialog.set_problem(str(error), error.field if known else None)  # type: ignore[attr-defined]

    dialog.set_busy(True)
    context.act(function, *args, on_done=lambda change: dialog.accept(), on_failed=failed)


def checked(check: Callable[[str], Any]) -> Callable[[Any], str]:
    """A field's check out of a service's own: its sentence, or "" when the value is fine."""

    def sentence(value: Any) -> str:
        try:
            check(str(value))
        except InvalidInput as error:
            return str(error)
        return ""

    return sentence
