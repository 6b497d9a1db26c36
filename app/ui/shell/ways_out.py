"""From a question before an act to what makes an end of it, without leaving what waits for the answer."""

from shiboken6 import isValid

from app.services.chain.cautions import Caution, EarlierState
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import ConfirmDialog


def offer_way_out(question: ConfirmDialog, context: Context, caution: Caution) -> None:
    """A button in the question of an earlier state, which leads to where a person says which database it is;
    the act that waits is done as soon as that is no earlier state any more.
    """
    if not isinstance(caution, EarlierState):
        return

    def lead() -> None:
        if not isValid(context):  # another file was opened behind the question
            question.reject()
            return
        box = CheckpointsDialog(context, question)

        def checked(outcome: Outcome) -> None:
            context.verdict.take(outcome)
            if not context.opened.database.is_earlier:
                box.accept()
                question.accept()
                context.agreed.forget(caution)

        box.checked.connect(checked)
        box.listed.connect(lambda count: box.another_button.setFocus())
        box.open_once()

    question.add_apart(push_button(context.theme, "Another database…", lead, icon=Icon.DATABASE))
