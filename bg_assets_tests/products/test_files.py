"""Templates in files: which are found, which are passed over, and what is wrong with the others."""

from pathlib import Path

import pytest

from bg_assets.domain.products.places import BadTemplate
from bg_assets.products.files import (
    MOST_BYTES,
    SHIPPED,
    find_templates,
    load_template,
    load_templates,
)
from bg_assets_tests.domain.products.texts import GOOD


def test_what_is_not_utf8_is_one_sentence_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"template: 1\nname: caf\xe9\n")
    with pytest.raises(BadTemplate) as error:
        load_template(path)
    assert error.value.lines == (f"{path}, line 2: not UTF-8; save the file as UTF-8",)


def test_a_mistake_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(GOOD.replace("version: 1", "version: x"), encoding="utf-8")
    with pytest.raises(BadTemplate) as error:
        load_template(path)
    assert error.value.lines[0].startswith(f"{path}, line 3: ")


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_template(path).name == "small"


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(BadTemplate, match="no template"):
        load_template(path)


def test_two_of_one_name_are_both_refused_with_file_and_line(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadTemplate) as error:
        load_templates(tmp_path)
    (said,) = error.value.lines
    assert said == (
        f"{tmp_path / 'b.yml'}, line 2: {tmp_path / 'a.yaml'} has the name 'small' too; "
        "rename one of them"
    )
    assert "small" not in find_templates(tmp_path).templates


def test_one_that_takes_a_shipped_name_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("name: small", "name: finance_system")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadTemplate) as error:
        load_templates(tmp_path)
    assert str(SHIPPED / "finance_system.yaml") in str(error.value)


def test_the_mistakes_of_all_files_are_told_and_the_others_are_found(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(GOOD.replace("name: small", "name: B"), encoding="utf-8")
    (tmp_path / "worse.yaml").write_text("", encoding="utf-8")
    (tmp_path / ".hidden.yaml").write_text("", encoding="utf-8")
    (tmp_path / "lost.yaml").symlink_to(tmp_path / "nowhere")
    found = find_templates(tmp_path)
    assert "small" in found.templates
    assert [Path(one.split(":")[0].split(",")[0]).name for one in found.mistakes] == [
        "bad.yaml",
        "lost.yaml",
        "worse.yaml",
    ]


def test_a_folder_that_is_missing_leaves_the_shipped_ones(tmp_path: Path) -> None:
    found = find_templates(tmp_path / "missing")
    assert "finance_system" in found.templates
    assert "no such folder" in found.mistakes[0]


def test_a_folder_of_ones_own_adds_to_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(GOOD, encoding="utf-8")
    assert {"small", "finance_system"} <= set(load_templates(tmp_path))
    assert list(load_templates(tmp_path, ["small"])) == ["small"]
    with pytest.raises(BadTemplate, match="did you mean finance_system"):
        load_templates(tmp_path, ["finance_sytem"])


def test_what_is_no_text_or_not_there_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadTemplate, match="line 1"):
        load_template(path)
    with pytest.raises(BadTemplate, match="no such folder"):
        load_templates(tmp_path / "missing")
