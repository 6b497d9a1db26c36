"""From a question before an act to what makes an end of it, without leaving what waits for the answer."""

from shiboken6 import isValid

from app.services.chain.cautions import Caution, EarlierState, WentBack
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import ConfirmDialog


def offer_way_out(question: ConfirmDialog, context: Context, caution: Caution) -> None:
    """A button in the question of an earlier state, which leads to where a person says which database it is,
    or that it went back; the act that waits is done as soon as that is no earlier state any more.
    """
    if not isinstance(caution, EarlierState):
        return
    went_back = isinstance(caution, WentBack)

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
        way = box.start_over_button if went_back else box.another_button
        box.listed.connect(lambda count: way.setFocus())
        box.open_once()

    words, icon = ("Start over…", Icon.REFRESH) if went_back else ("Another database…", Icon.DATABASE)
    question.add_apart(push_button(context.theme, words, lead, icon=icon))
