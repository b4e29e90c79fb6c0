"""Something of each kind that metrics tell of, written to the tables as it would happen."""

from collections import Counter

import sqlalchemy as sa

from bg_assets.storage.measures import receiver

_STANDING = """
    insert into bg.companies (id, name) values ('acme', 'Acme Company');
    insert into bg.people (id, company_id, title)
        select 'p' || n, 'acme', 'CFO' from generate_series(1, 9) as n;
    insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        started_at, finished_at, run_id)
        values (gen_random_uuid(), 'acme', 'completed', 'r', 'change', now(), now(), 'run-0');
    insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
        completeness, cohesion_reason, coverage, gaps)
        select 'acme', 'finance_system', id, 't', now(), 1, 'few', 1,
            '[{"role": "blocker", "function": "it", "reason": "none"}]'
        from bg.buyer_group_refresh_log;
    insert into bg.buyer_group_members (company_id, product, person_id, role, confidence, influence)
        select 'acme', 'finance_system', 'p' || n, 'champion', 1, 1 from generate_series(1, 9) as n;
    insert into bg.provider_health (provider) values ('pdl');
    update bg.objective_watch set counted_to = clock_timestamp() + interval '5 minutes';
    insert into bg.workers (host, pid, started, kind, started_at, beat_at, memory)
        values ('here', 1, 'x', 'receiver', now(), now(), 1000000);
    insert into bg.alerts (kind, severity, said, since, seen_at, raised_at)
        values ('disk-full', 'critical', 'x', now(), now(), now());
    insert into bg.kpi_values (name, product, at, value, state)
        select name, product, now(), 1, state
        from (values ('queue_depth', null, 'missed'), ('members', 'finance_system', 'met'),
            ('confidence', 'finance_system', 'met')) as v(name, product, state);
"""
# A round of it; what ended two seconds ago is counted at once.
_ROUND = """
    insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by, requested_at,
        started_at, finished_at, run_id, attempt, starts_interval)
        select 'acme', status, 'r', 'change', now() - interval '9 s', now() - interval '6 s',
            now() - interval '3 s', gen_random_uuid()::text, attempt, false
        from (values ('completed', 1), ('completed', 2), ('dead', 3)) as r(status, attempt);
    insert into bg.changes (company_id, kind, source, occurred_at, refresh_id, handled_at)
        select 'acme', 'role_change', 'webhook', now() - interval '10 s', id, now()
        from bg.buyer_group_refresh_log where status = 'completed' and attempt = 2;
    insert into bg.buyer_group_history (refresh_id, company_id, product, person_id, event, because)
        select id, 'acme', 'finance_system', 'p1', 'joined', 'why'
        from bg.buyer_group_refresh_log where status = 'completed' limit 1;
    insert into bg.webhook_events (source, event_id, type, occurred_at, received_at, status,
        applied_at, payload)
        values ('crm', gen_random_uuid()::text, 't', now(), now() - interval '1 s', 'applied',
            now(), '');
    insert into bg.provider_costs (provider, day, kind, found, cost)
        values ('pdl', (now() at time zone 'UTC')::date, 'person', 1, 0.28)
        on conflict (provider, day, kind) do update set
            found = bg.provider_costs.found + 1, cost = bg.provider_costs.cost + 0.28;
    insert into bg.provider_hits (provider, day, kind, part, hits)
        values ('pdl', (now() at time zone 'UTC')::date, 'person', 0, 1)
        on conflict (provider, day, kind, part) do update set hits = bg.provider_hits.hits + 1;
    insert into bg.objective_minutes (objective, minute, good, bad)
        select objective, date_trunc('minute', counted_to), 9, 1
        from bg.objective_watch, unnest(array['latency', 'success']) as objective;
    update bg.objective_watch set counted_to = counted_to + interval '1 minute';
"""


def begin(engine: sa.Engine) -> None:
    """What stands before the first round."""
    _run(engine, _STANDING)


def once_more(engine: sa.Engine) -> None:
    """A change, refreshes, an event, requests at the door, a call of a provider."""
    _run(engine, _ROUND)
    counted = receiver.Counts(3, 1, 1, 0, Counter({"wrong-signature": 1}))
    counted.took(0.003)
    with engine.begin() as conn:
        receiver.add(conn, "here/1", counted)


def _run(engine: sa.Engine, statements: str) -> None:
    with engine.begin() as conn:
        for statement in statements.split(";"):
            if statement.strip():
                conn.exec_driver_sql(statement)
