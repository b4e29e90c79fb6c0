"""Every event that our processes log, once: its level, what it means, whether it comes often.

``docs/logs.md`` shows this table, and a test holds both and the code together.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens. ``often``: many a second, so that most of them may be left out."""

    name: str
    level: str
    meaning: str
    often: bool = False


EVENTS = (
    # Of every process.
    Event("said", "any", "what a library, or Dagster, says: its text is in `message`"),
    Event("lines_left_out", "info", "`left_out` lines of event `of` and `kind` were not written"),
    Event("lines_lost", "warning", "`count` lines found no room on the disk"),
    Event("process_crashed", "critical", "the process ends by an error that nobody caught"),
    Event("thread_crashed", "error", "a thread has ended by an error that nobody caught"),
    Event("traces_off", "warning", "traces were asked for and are not sent, for `reason`"),
    Event("spans_lost", "warning", "spans can't be sent to `address`, and all goes on without"),
    Event("spans_sent_again", "info", "spans are sent to `address` again"),
    # Of the webhook door.
    Event("receiver_started", "info", "the door listens at `address`"),
    Event("receiver_stopping", "info", "the door takes nothing new; `in_hand` are finished"),
    Event("receiver_stopped", "info", "the door is closed"),
    Event("webhook_accepted", "debug", "an event was stored", often=True),
    Event("webhook_duplicate", "info", "an event came that was stored before", often=True),
    Event("webhook_differs", "warning", "a known event came with another body", often=True),
    Event("webhook_refused", "info", "a request was refused; `kind` is why", often=True),
    Event("webhook_fault", "error", "the door failed on a request, at `at`: a fault of ours"),
    Event("secret_unreadable", "warning", "a secret of `source` can't be decrypted: left out"),
    Event("connections_wait", "warning", "no connection can be taken in now, for `reason`"),
    Event("chore_failed", "error", "a chore of the door fails with `error`, and is tried again"),
    Event("database_away", "warning", "the database can't be used, for `reason`"),
    Event("database_back", "info", "the database can be used again"),
    # Of the sender of notifications.
    Event("sender_started", "info", "notifications are sent from now on"),
    Event("sender_waits", "warning", "nothing can be sent now, for `reason`; it is tried again"),
    Event(
        "sender_stopped",
        "info",
        "nothing is sent any more; `left` attempts are made again by another",
    ),
    Event(
        "message_not_taken",
        "warning",
        "`to` did not take `message` of `subscription`, for `reason`",
        often=True,
    ),
    Event("message_fault", "error", "an attempt broke off by `kind` of error: a fault of ours"),
    Event(
        "subscription_failed",
        "error",
        "`subscription` took nothing for days, or is gone: switched off",
    ),
    Event(
        "signing_secret_unreadable",
        "warning",
        "a secret of `subscription` can't be decrypted: left out",
    ),
    # Of the embedded PostgreSQL's keeper.
    Event("postgres_ready", "info", "the embedded server takes connections"),
    Event("postgres_remark", "warning", "how the embedded server runs is not as it should be"),
    Event("postgres_failed", "error", "the embedded server can't run, for `reason`"),
    Event("postgres_gone", "warning", "the embedded server has died, and is started again"),
    Event("postgres_not_started", "error", "it did not start; the next try is in `seconds`"),
    Event("postgres_left", "info", "the keeper ends, and others still use the server"),
    Event("postgres_stopped", "info", "the keeper ends, and the server with it"),
    # Of `up` and its watch.
    Event("up_started", "info", "everything runs"),
    Event("up_stopping", "info", "everything is told to end"),
    Event("process_killed", "warning", "a process of `kind` hung, by `reason`, and was ended"),
    Event("process_continued", "warning", "a process of `kind` was stopped, and goes on"),
    Event("process_unreachable", "warning", "a process hangs that belongs to another user"),
    Event("watch_failed", "error", "a look at the processes failed with `error`"),
    # Of the metrics.
    Event("metrics_started", "info", "Prometheus is answered at `address`"),
    Event("metrics_away", "warning", "`part` of the metrics can't be read, for `reason`"),
    Event("metrics_back", "info", "`part` of the metrics is read again"),
    # Of Dagster's processes.
    Event("clock_set_back", "warning", "the clock went back by `seconds`: the daemon starts anew"),
    Event("turn_put_back", "warning", "`sensor` had its last turn in the future, by that clock"),
    Event("daemon_not_started", "warning", "the daemon found no instance, for `reason`"),
    Event("code_server_awaited", "warning", "no code server within `seconds`: no sensors yet"),
    Event("run_not_launched", "error", "Dagster could not start a run"),
    Event("forkserver_started", "info", "the process that forks runs has everything imported"),
    Event("definitions_unusable", "error", "the definitions did not load: the run tells why"),
    # Of ticks.
    Event(
        "event_settled",
        "info",
        "a webhook event, by its `id`, is applied, ignored or dead, and about `company`",
        often=True,
    ),
    Event("events_applied", "info", "webhook events became changes of people and companies"),
    Event("events_wait", "warning", "webhook events wait for their keys, for `reason`", often=True),
    Event("run_requested", "info", "a tick asks for a run of `companies` companies"),
    Event("refresh_repaired", "warning", "what a tick put right, in words"),
    # Of runs.
    Event("run_started", "info", "a process executes the run"),
    Event("run_ended", "info", "the process of the run ends"),
    Event("run_crashed", "error", "Dagster did not take the run's end"),
    Event("refresh_taken", "info", "a run has taken the changes of `companies` companies"),
    Event("refresh_completed", "info", "the company's groups are written"),
    Event("refresh_failed", "error", "the company could not be refreshed, for `reason`"),
    Event("refresh_lost", "warning", "another attempt holds the refresh: nothing is written"),
    Event("step_failed", "error", "a step of a run failed; Dagster tries it again, or gives up"),
    # Of the process that looks for alerts.
    Event("alerts_watched", "info", "the process looks every `seconds`"),
    Event("alert_told", "info", "`channel` was told that alert `key` is `what`"),
    Event("alert_not_told", "warning", "`channel` could not be told of `key`, for `reason`"),
    Event("channel_fault", "error", "`channel` failed with `error`: a fault of ours"),
    Event("alerts_failed", "error", "a look for alerts failed with `error`"),
)

BY_NAME = {event.name: event for event in EVENTS}
OFTEN = frozenset(event.name for event in EVENTS if event.often)


def as_table() -> str:
    """All events as a table of Markdown, as docs/logs.md has it."""
    rows = [f"| `{one.name}` | {one.level} | {one.meaning} |" for one in EVENTS]
    return "\n".join(["| event | level | what happened |", "|---|---|---|", *rows])
