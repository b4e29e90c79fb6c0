"""A small template that is sound, for tests to break or to put into a folder."""

GOOD = """\
template: 1
name: small
version: 1
does: A thing.
deal_size: 60000
functions:
  finance: 1
  it: 0.5
disqualify: {levels: [intern], titles: [board adviser]}
roles:
  decision_maker:
    required: 1
    any:
      - {functions: [finance], levels: [c_level, vp]}
  champion:
    required: 1
    any:
      - functions: [it]
        titles: [head of it, it manager]
    never: {functions: [sales], titles: [helpdesk]}
"""
