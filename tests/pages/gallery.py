"""A page with every part in it, and three small ones: registered by the tests' app only, never by the product."""

from datetime import date
from pathlib import Path

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from marketplace.web import (
    CodeField,
    CountField,
    DayField,
    Event,
    Form,
    ManyField,
    OneField,
    Page,
    TextField,
    TickField,
    UploadField,
    YuanField,
    confirm,
    done,
    render,
    stream,
)

bp = Blueprint("gallery", __name__, template_folder=str(Path(__file__).parent / "templates"))
LONG = "一个很长很长的选项名称用来检验换行 A rather long name of a choice to see how it wraps on a small telephone"


class Everything(Form):
    reason = TextField("理由 Reason", lines=3, longest=50)
    amount = YuanField("金额 Amount", most=1_000_000)
    number = CountField("数量 Units", most=10)
    on = DayField("日期 Day")
    code = CodeField("验证码 Code", required=False)
    district = OneField("区县 District", [("500103", "渝中区 Yuzhong"), ("500112", "渝北区 Yubei")], select=True)
    answer = OneField("您接受吗 Do you accept", [("yes", "接受 Accept"), ("no", "不接受 Decline")])
    kinds = ManyField("种类 Kinds", [("food", "食品 Food"), ("care", LONG)])
    agree = TickField("我同意 I agree", required="请勾选 Please tick")
    file = UploadField("文件 File", accept=".csv,.xlsx", required=False)


@bp.route("/parts/<kind>", methods=["GET", "POST"])
@bp.route("/parts", methods=["GET", "POST"], defaults={"kind": "staff"})
def parts(kind: str) -> ResponseReturnValue:
    form = Everything()
    if form.validate_on_submit():
        return done("已保存 Saved", to="/parts")
    rows = [{"id": f"D-{n}", "kind": "食品 Food", "units": n * 7, "fen": n * 123_450} for n in range(1, 9)]
    bars = [
        {"label": name, "value": value}
        for name, value in (("渝中区 Yuzhong", 120), ("渝北区 Yubei", 64), ("云阳县", 0))
    ]
    page = Page(number=2, total=312)
    facts = {"rows": rows, "bars": bars, "page": page, "today": date(2026, 11, 27)}
    return render("gallery.html", layout=f"layout/{kind}.html", form=form, **facts)


@bp.route("/start")
def start() -> ResponseReturnValue:
    return render("start.html")


@bp.route("/progress")
def progress() -> ResponseReturnValue:
    return render("progress.html")


@bp.route("/sure", methods=["GET", "POST"])
def sure() -> ResponseReturnValue:
    return confirm(
        layout="staff",
        title="批准 3 项对接？ Approve 3 matches?",
        button="批准 Approve",
        back="/parts",
        facts=[{"label": "合计 Sum", "value": "¥1,200"}],
        items=["D-1", "D-2", "D-3"],
        excluded=[("D-4", "库存不足 out of stock")],
        keep=[("ids", "D-1")],
    )


@bp.route("/live")
def live() -> ResponseReturnValue:
    return render("live.html")


@bp.route("/ticks")
def ticks() -> ResponseReturnValue:
    def newer(seen: str) -> Event | None:
        number = int(seen or 0) + 1
        return Event(id=str(number), data=f"<p>{number}</p>", last=number == 3)

    return stream(newer)


def install(app: Flask) -> Flask:
    """Add the gallery to an app made by the factory."""
    app.register_blueprint(bp)
    return app
