"""How much of a function somebody has, by the words that stand beside its name."""

import pytest

from bg_assets.domain.groups.remit import remit


@pytest.mark.parametrize(
    ("title", "function", "extent"),
    [
        ("Director of Finance", "finance", "whole"),
        ("Group Director, Finance and Commercial", "finance", "whole"),
        ("Director General, Financial & Commercial", "finance", "whole"),
        ("Directeur Administratif et Financier", "finance", "whole"),
        ("Leiter Finanzen und Controlling", "finance", "whole"),
        ("CFO", "finance", "whole"),
        ("Director Financial Stability", "finance", "part"),
        ("Head of Financial Planning", "finance", "part"),
        ("Head of Group Pensions", "finance", "unknown"),
        ("Investment Director", "finance", "unknown"),
        ("Director of Human Resources", "hr", "whole"),
        ("Head of People and Culture", "hr", "whole"),
        ("Head of HR Strategy", "hr", "part"),
        ("Head of Talent", "hr", "unknown"),
        ("Chief Information Officer", "it", "whole"),
        ("CIO", "it", "whole"),
        ("Director of IT Services", "it", "whole"),
        ("Director of Financial Services", "finance", "part"),
        ("Chief Executive", "executive", "whole"),
        ("Chief Executive of Shared Services", "executive", "part"),
        ("Managing Director of Ventures", "executive", "part"),
        ("Nurse", "finance", "unknown"),
        ("Nurse", "operations", "unknown"),
    ],
)
def test_the_words_beside_the_name_of_a_function_tell_the_remit(
    title: str, function: str, extent: str
) -> None:
    assert remit(title, None, function, False) == extent


def test_a_department_of_something_else_makes_it_the_function_of_a_unit() -> None:
    assert remit("Finance Director", "Government Property Unit", "finance", False) == "unit"
    assert remit("Finance Director", "Finance and Estates", "finance", False) == "whole"
    assert remit("Finance Director", "Corporate Services", "finance", False) == "whole"
    assert remit("Finance Director", "Board", "finance", False) == "whole"
    assert remit("Finance Director", None, "finance", False) == "whole"


def test_where_only_the_department_tells_the_function_it_tells_the_remit() -> None:
    assert remit("Director", "Finance and Commercial Group", "finance", True) == "whole"
    assert remit("Director", "Financial Stability", "finance", True) == "part"
