"""Who was erased, as digests alone, so that no later list brings them back unasked."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ERASED = """
-- Digests of an id, an address, or of company and name: they tell nobody, but whoever asks about
-- somebody whom they know already.
create table bg.erased_people (
    digest bytea primary key,
    erased_at timestamptz not null default now()
);
-- Of this installation alone, so that no digests made elsewhere fit.
create table bg.erasure_salt (
    only_row boolean primary key default true check (only_row),
    salt bytea not null
);
insert into bg.erasure_salt (salt)
select uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
-- Who was erased before: their ids stand in the audit log.
insert into bg.erased_people (digest, erased_at)
select sha256(s.salt || convert_to('id ' || a.subject, 'UTF8')), min(a.at)
from bg.audit_log as a cross join bg.erasure_salt as s
where a.action = 'person.erased' and a.subject is not null
group by 1;
-- Whatever else sources called them leads to nobody either.
update bg.webhook_identities as i set our_id = ''
where i.kind = 'person' and exists (
    select from bg.audit_log as a where a.action = 'person.erased' and a.subject = i.our_id);
"""


def upgrade() -> None:
    op.execute(ERASED)
