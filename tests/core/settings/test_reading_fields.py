import pytest

from core.errors import UserError
from core.settings.reading_fields import reading_fields


def test_the_setting_checks_the_name() -> None:
    encoding, errors = reading_fields()
    assert encoding.parse("") == ""
    assert encoding.parse("koi8-r") == "koi8-r"
    with pytest.raises(UserError, match="Did you mean koi8-"):
        encoding.parse("koi8-x")
    assert errors.choices == ("strict", "replace")
