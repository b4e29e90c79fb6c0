"""A blocker is called one in the reasons and gaps that are stored, too.

Else the next refresh of each company would tell of a gap that closed and of a new one, both the
same. History stays as it was told.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REASONS = """
update bg.buyer_group_members set reasons = (
    select jsonb_agg(regexp_replace(reason, '^gatekeeper: ', 'blocker: ') order by place)
    from jsonb_array_elements_text(reasons) with ordinality as each(reason, place))
where role = 'blocker' and reasons::text like '%gatekeeper: %'
"""

# A gap of a role holds our words alone; that of a pin holds an id, and the word in its end.
GAPS = r"""
update bg.buyer_groups set gaps = (
    select jsonb_agg(jsonb_set(gap, '{reason}', to_jsonb(regexp_replace(
        gap ->> 'reason',
        case when gap ->> 'role' is null then '(?<=\(pinned as )gatekeeper(?=\)$)'
            else '\mgatekeeper' end,
        'blocker', 'g'))) order by place)
    from jsonb_array_elements(gaps) with ordinality as each(gap, place))
where gaps::text like '%gatekeeper%'
"""


def upgrade() -> None:
    op.execute(REASONS)
    op.execute(GAPS)
