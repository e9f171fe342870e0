"""The command line: `shanqiao …`. Thin: each command reads its options, calls one room, prints what came of it.

What enters: words on the command line. What leaves: text, and an exit code (0 well, 1 something is wrong, 2 bad input).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from marketplace.demo import command as demonstration

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Shanqiao 善桥: verified needs meet resources.")
out = Console(highlight=False)


@app.callback()
def root() -> None:
    """Shanqiao 善桥: verified needs meet charitable resources."""


@app.command()
def demo(
    size: Annotated[str, typer.Option(help="small (2,000 households) or city (100,000 needs)")] = "small",
    seed: Annotated[int, typer.Option(help="The same seed makes the same city and the same plan")] = 7,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Print the result and stop")] = False,
    instance: Annotated[Path, typer.Option(help="Folder of the demo that is served")] = Path("instance/demo"),
) -> None:
    """Make a synthetic city, run the whole job on it, print the result, and serve it."""
    if size not in demonstration.SIZES:
        raise typer.BadParameter(f"{size} is not a size: write small or city", param_hint="--size")
    try:
        with demonstration.folder(None if once else instance) as place:
            settings = demonstration.settings_for(place, seed=seed, port=port)
            report = demonstration.play(settings, size=size, seed=seed, now=demonstration.now_utc())
            _print_demo(report)
            if not once:
                out.print(f"善桥 Shanqiao: {settings.base_url}  (Ctrl+C 结束 · to stop)")
                demonstration.serve(settings, port=port)
    except demonstration.NotADemoFolder as error:
        raise typer.BadParameter(str(error), param_hint="--instance") from error


def _print_demo(report: demonstration.Report) -> None:
    found = report.result
    table = Table("", "结果 Result", title="善桥 Shanqiao")
    table.columns[1].justify = "right"
    for words, value in (
        ("需求 needs", found.needs),
        ("资源 resources", found.resources),
        ("建议 proposed", found.proposed),
        ("批准 approved", found.approved),
        ("送达 delivered", found.delivered),
        ("家庭确认 confirmed", found.confirmed),
        ("通知 notices", found.notices),
        ("暂未得到 still at zero", found.unserved),
        ("审计记录 audit rows", found.audit_rows),
    ):
        table.add_row(words, f"{value:,}")
    table.add_row("证明 certificate", found.status)
    table.add_row("证明差距 certificate gap", f"{found.gap:.6%}" if found.gap else "0")
    table.add_row("方案 plan", found.plan_sha256[:16])
    out.print(table)
    spent = "  ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
    out.print(f"秒 seconds: {spent}  合计 total {sum(report.seconds.values()):.1f}")
    out.print(f"内存峰值 peak memory: {report.peak_mb:,} MB")


def main() -> None:
    """The entry point of `shanqiao`."""
    app()
