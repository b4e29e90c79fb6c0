"""Tables of somebody else's, with columns of other names and types, and how they are captured."""

import sqlalchemy as sa

from bg_assets.storage.capture import triggers

PEOPLE_MAP = {
    "id": "contact id", "company_id": "account", "name": "full_name", "title": "Job Title",
    "department": "dept", "seniority": "rank", "email": "mail", "location": 'odd "%s" {name}',
    "manager_id": "boss", "start_date": "since", "end_date": "until", "status": "state",
    "deleted_at": "gone_at", "observed_at": "seen_at", "updated_at": "touched_at",
}  # fmt: skip
COMPANY_MAP = {
    "id": "nr", "workspace": "team", "name": "label", "domain": "host", "website": "url",
    "industry": "trade", "employee_min": "staff_min", "employee_max": "staff_max",
    "revenue": "turnover", "country": "land", "deleted_at": "closed",
}  # fmt: skip
TABLES = """
    create schema crm;
    create table crm.accounts (nr bigint primary key, team text, label varchar(80), host text,
        url text, trade text, staff_min smallint, staff_max bigint, turnover money, land char(2),
        closed timestamp);
    create table crm.contacts ("contact id" uuid primary key default gen_random_uuid(),
        account bigint references crm.accounts on delete cascade, full_name text, "Job Title" text,
        dept text, rank integer, mail text, "odd ""%%s"" {name}" text, boss uuid, since timestamptz,
        until date, state varchar(10), gone_at timestamptz, seen_at timestamptz,
        touched_at timestamptz);
"""


def install(conn: sa.Connection) -> bool:
    """Capture them instead of our own; whether that changed anything."""
    people = triggers.CapturedTable("crm.contacts", PEOPLE_MAP)
    return triggers.install(conn, people, triggers.CapturedTable("crm.accounts", COMPANY_MAP))
