"""What a finger does on a page that takes a signature; used by the browser tests of whoever signs."""

from playwright.sync_api import Page


def draw(page: Page) -> None:
    """A name with the finger."""
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 20 + 20 * step, box["y"] + 20 + 10 * (step % 3))
    page.mouse.up()
