"""Bodies as the platform sends them, one for each event type: what is in them is made up."""

import json
from collections.abc import Mapping
from typing import Any, Final

from models.status import Phase, ReviewVerdict, RunStatus, WebhookEvent

RUN_ID: Final = "run_01M7TESTEVENT0000000000"
"""Of no run; a receiver that looks it up finds nothing."""

MEANINGS: Final[Mapping[str, str]] = {
    WebhookEvent.RUN_STARTED: "A planning run has begun.",
    WebhookEvent.PHASE_COMPLETED: "A run has finished one of its phases.",
    WebhookEvent.RUN_COMPLETED: "A run has gone through all its phases.",
    WebhookEvent.RUN_KILLED: "A run has failed its kill test.",
    WebhookEvent.RUN_CANCELLED: "A person has cancelled a run.",
    WebhookEvent.IDEA_PROMOTED: "A parked idea has become a run.",
}
"""What each event says, as a sentence."""

_OTHERS: Final[dict[str, dict[str, Any]]] = {
    WebhookEvent.RUN_STARTED: {"status": RunStatus.RUNNING},
    WebhookEvent.PHASE_COMPLETED: {
        "phase": Phase.MARKET_RESEARCH,
        "verdict": ReviewVerdict.APPROVED,
        "score": 8.2,
    },
    WebhookEvent.RUN_COMPLETED: {"status": RunStatus.COMPLETED, "score": 8.1, "pivotCount": 1},
    WebhookEvent.RUN_KILLED: {
        "phase": Phase.KILL_TEST,
        "status": RunStatus.KILLED,
        "verdict": "no-go",
        "score": 4.1,
        "pivotCount": 1,
    },
    WebhookEvent.RUN_CANCELLED: {"phase": Phase.STRATEGY, "status": RunStatus.CANCELLED},
    WebhookEvent.IDEA_PROMOTED: {"score": 7.4},
}


def sample(event: str, now: int) -> str:
    """JSON over several lines, to be edited; of a type that nobody knows what all have in common."""
    body = {"type": event, "runId": RUN_ID, **_OTHERS.get(event, {}), "timestamp": now}
    return json.dumps(body, indent=2)
