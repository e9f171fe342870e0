"""The Chinese words are found wherever the instance folder lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketplace.app import create_app
from marketplace.config import demo_settings


def test_a_relative_instance_folder_still_speaks_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = create_app(demo_settings(Path("instance"), seed=1))
    answer = app.test_client().get("/sign-in")
    assert "登录" in answer.get_data(as_text=True)
