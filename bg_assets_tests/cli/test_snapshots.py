"""`import people --full-snapshot`: who is not in the file has left, and who must not count so."""

import time

import pytest

from bg_assets_tests.cli.command import Command, rejects_of

STATUS = "select id, company_id, status from bg.people order by id"


@pytest.fixture
def staffed(bg: Command) -> Command:
    """Three companies with four, two and one people, and no changes to show for it."""
    bg.companies("a", "b", "c")
    lines = "a1,a\na2,a\na3,a\na4,a\nb1,b\nb2,b\nc1,c\n"
    bg("import", "people", bg.file("people.csv", f"id,company_id\n{lines}"))
    bg.execute("delete from bg.changes")
    return bg


def _left(bg: Command) -> list[str]:
    return [row[0] for row in bg.rows("select id from bg.people where status = 'left' order by id")]


def test_who_is_not_in_a_full_snapshot_has_left(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\na3,a\na9,a\nb1,b\nb2,b\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["inserted"], done["unchanged"], done["left"]) == (1, 5, 1)
    # Companies that the file does not name are none of its business.
    assert _left(staffed) == ["a4"]
    assert staffed.rows(
        "select company_id, person_id, kind, is_departure from bg.changes order by person_id"
    ) == [("a", "a4", "person_left", True), ("a", "a9", "person_joined", False)]


def test_a_snapshot_says_within_what_it_acts_and_which_companies_it_does_not_name(
    staffed: Command,
) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\na3,a\na9,a\nb1,b\nb2,b\n")
    done = staffed("import", "--full-snapshot", "people", path)
    assert "--full-snapshot acts within the companies in the file (2); the tracked" in done.err
    found = staffed.json("import", "people", path, "--full-snapshot")
    assert (found["snapshot"], found["companies_not_named"]) == ("companies", 1)
    assert _left(staffed) == ["a4"]


@pytest.mark.parametrize("options", [("--full-snapshot", "all"), ("--full-snapshot=all",)])
def test_a_snapshot_of_all_lets_people_of_companies_that_it_does_not_name_leave(
    staffed: Command, options: tuple[str, ...]
) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\na3,a\nb1,b\nb2,b\n")
    dry = staffed.json("import", *options, "people", path, "--dry-run")
    done = staffed.json("import", *options, "people", path)
    assert (dry["left"], done["left"], done["snapshot"]) == (2, 2, "all")
    assert _left(staffed) == ["a4", "c1"]
    assert done["waiting"]["companies"] == 2
    # More than half of all people, though of the one company in the file nobody.
    path = staffed.file("s.csv", "id,company_id\nb1,b\nb2,b\n")
    refused = staffed("import", *options, "people", path)
    assert (refused.code, "mark 3 of 5 people as left, everywhere" in refused.err) == (1, True)


def test_without_the_option_nobody_leaves(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\n")
    assert staffed.json("import", "people", path)["left"] == 0
    assert _left(staffed) == []


def test_who_moved_within_the_file_has_not_left(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\na3,a\na4,b\nb1,b\nb2,b\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["updated"], done["left"]) == (1, 0)
    assert staffed.value("select company_id from bg.people where id = 'a4'") == "b"


def test_a_snapshot_that_would_remove_more_than_half_is_refused(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id,title\na1,a,CEO\na1,a,CFO\n")
    done = staffed("import", "people", path, "--full-snapshot", "--json")
    assert (done.code, done.out) == (1, "")
    assert "would mark 3 of 4 people as left, at the companies in the file" in done.err
    assert "--allow-leavers" in done.err
    assert _left(staffed) == []
    assert staffed.value("select count(title) from bg.people") == 0
    assert rejects_of(path) == []
    done = staffed("import", "people", path, "--full-snapshot", "--allow-leavers")
    assert done.out == "people: 0 new, 1 changed, 0 as before, 3 left, 1 rejected\n"
    assert _left(staffed) == ["a2", "a3", "a4"]


def test_a_snapshot_may_remove_half(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\n")
    assert staffed.json("import", "people", path, "--full-snapshot")["left"] == 2


def test_a_snapshot_that_would_remove_one_more_than_half_is_refused(staffed: Command) -> None:
    staffed.execute("update bg.people set status = 'left' where id = 'a4'")
    done = staffed(
        "import", "people", staffed.file("s.csv", "id,company_id\na1,a\n"), "--full-snapshot"
    )
    assert (done.code, "would mark 2 of 3 people as left" in done.err) == (1, True)


def test_who_is_deleted_is_no_leaver_and_counts_for_neither_side(staffed: Command) -> None:
    staffed.execute("update bg.people set deleted_at = now() where id in ('a3', 'a4')")
    path = staffed.file("s.csv", "id,company_id\na1,a\na2,a\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["unchanged"], done["left"]) == (2, 0)
    assert _left(staffed) == []
    # One of two, not three of four.
    path = staffed.file("s.csv", "id,company_id\na1,a\n")
    assert staffed.json("import", "people", path, "--full-snapshot")["left"] == 1
    assert _left(staffed) == ["a2"]


def test_who_left_before_does_not_count_and_comes_back_by_a_snapshot(staffed: Command) -> None:
    staffed.execute("update bg.people set status = 'left' where id in ('a3', 'a4')")
    path = staffed.file("s.csv", "id,company_id\na1,a\na3,a\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["updated"], done["left"]) == (1, 1)
    assert _left(staffed) == ["a2", "a4"]


@pytest.mark.parametrize(
    "line",
    ["a4,a b,", "a4,nowhere,x@y.com", "a4,,x@y.com", "a4,a,x@y.com\na4,a,"],
    ids=["unfit", "unknown company", "no company", "twice"],
)
def test_people_of_rejected_rows_have_not_left(staffed: Command, line: str) -> None:
    path = staffed.file("s.csv", f"id,company_id,email\na1,a,\na2,a,\na3,a,\n{line}\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["left"], done["rejected"]) == (0, 1)
    assert _left(staffed) == []


@pytest.mark.parametrize("line", ["a3,a,x,y", ",a,x@y.com", "\0,a,", '"a"4,a,x'])
def test_a_record_without_a_readable_id_forbids_a_snapshot(staffed: Command, line: str) -> None:
    path = staffed.file("s.csv", f"id,company_id,email\na1,a,\na2,a,\na3,a,\n{line}\n")
    done = staffed("import", "people", path, "--full-snapshot")
    assert (done.code, done.out) == (1, "")
    assert "1 records have no readable id" in done.err
    assert _left(staffed) == []
    assert rejects_of(path) == []
    assert staffed("import", "people", path).code == 0


def test_a_row_that_a_later_one_replaces_speaks_for_no_company(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id\na1,b\na1,a\na2,a\na3,a\na4,a\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["rejected"], done["left"]) == (1, 0)
    assert _left(staffed) == []


def test_who_left_stays_so_by_an_import_that_is_no_snapshot(staffed: Command) -> None:
    staffed.execute("update bg.people set status = 'left' where id = 'a4'")
    path = staffed.file("s.csv", "id,company_id\na4,a\n")
    assert staffed.json("import", "people", path)["unchanged"] == 1
    assert _left(staffed) == ["a4"]


def test_companies_whose_rows_are_all_rejected_are_left_alone(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id,email\na1,a a,\nb1,b,\nb2,b,\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["left"], done["rejected"]) == (0, 1)
    assert _left(staffed) == []


def test_a_status_in_the_file_is_taken_as_it_is(staffed: Command) -> None:
    path = staffed.file("s.csv", "id,company_id,status\na1,a,left\na2,a,\na3,a,Active\na4,a,\n")
    done = staffed.json("import", "people", path, "--full-snapshot")
    assert (done["updated"], done["unchanged"], done["left"]) == (1, 3, 0)
    assert staffed.rows(STATUS)[0] == ("a1", "a", "left")


def test_a_snapshot_of_people_just_imported_does_not_compare_all_with_all(bg: Command) -> None:
    # No statistics on them yet: each against each company took minutes.
    companies, people = 4_000, 32_000
    bg.companies(*(f"c{number}" for number in range(companies)))
    lines = [f"p{number},c{number % companies}\n" for number in range(people)]
    whole = bg.file("people.csv", "id,company_id\n" + "".join(lines))
    assert bg.json("import", "people", whole)["inserted"] == people
    part = bg.file("s.csv", "id,company_id\n" + "".join(lines[: people * 3 // 4]))
    began = time.monotonic()
    assert bg.json("import", "people", part, "--full-snapshot")["left"] == people // 4
    assert time.monotonic() - began < 10
