"""Debian's Chromium, driven by Playwright; the pages that it opens; and where pictures of them are kept."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from end_to_end.commands import beam_taxi

ROOT = pathlib.Path(__file__).parent.parent.parent
CHROMIUM = pathlib.Path('/usr/bin/chromium')
SCREENSHOTS = ROOT / 'build' / 'screenshots'


@pytest.fixture(scope='session')
def chromium() -> Iterator[Any]:
  if not CHROMIUM.exists():
    pytest.skip(f'{CHROMIUM} is not installed; on Debian: apt-get install chromium')
  api = pytest.importorskip('playwright.sync_api')
  with api.sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=['--no-sandbox'])
    yield browser
    browser.close()


@dataclasses.dataclass
class Seen:
  """What a page did besides being looked at."""

  errors: list[str] = dataclasses.field(default_factory=list)
  requests: list[str] = dataclasses.field(default_factory=list)
  dialogs: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Opened:
  """A page in the browser, and what it has done."""

  page: Any
  seen: Seen

  def shoot(self, name: str) -> None:
    """Keeps a picture."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    self.page.screenshot(path=SCREENSHOTS / f'{name}.png')

  def open_feature(self, name: str) -> Any:
    """Opens a feature; where its charts are."""
    button = self.page.get_by_role('button', name=name, exact=True).first
    button.click()
    return self.page.locator(f'#{button.get_attribute("aria-controls")} .charts[data-drawn]')

  def names(self, kind: str) -> list[str]:
    """The features of a table, from top to bottom."""
    return self.page.locator(f'#features-{kind} button.open').all_text_contents()


class Opener:
  """Opens pages, each in a context of its own."""

  def __init__(self, browser: Any):
    self._browser = browser
    self._contexts: list[Any] = []

  def __call__(self, path: pathlib.Path, width: int = 1280, height: int = 900, **options: Any) -> Opened:
    context = self._browser.new_context(viewport={'width': width, 'height': height}, **options)
    self._contexts.append(context)
    page, seen = context.new_page(), Seen()
    page.on('console', lambda message: seen.errors.append(message.text) if message.type != 'log' else None)
    page.on('pageerror', lambda error: seen.errors.append(str(error)))
    page.on('request', lambda request: seen.requests.append(request.url))
    page.on('dialog', lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    page.wait_for_selector('body[data-ready=all]')
    return Opened(page, seen)

  def close(self) -> None:
    for context in self._contexts:
      context.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Opener]:
  opener = Opener(chromium)
  yield opener
  opener.close()


@pytest.fixture(scope='session')
def taxi_out(taxi_csv: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """Two runs: of the taxi trips, and of two thirds of them where cards have another name."""
  folder = tmp_path_factory.mktemp('taxi')
  lines = taxi_csv.read_text().splitlines(keepends=True)
  kept = [line.replace('Credit Card', 'Card') for place, line in enumerate(lines) if not place or place % 3]
  (folder / 'later.csv').write_text(''.join(kept))
  for run_id, path in (('monday', taxi_csv), ('tuesday', 'later.csv')):
    done = beam_taxi(folder, '--input', path, '--output', 'out', '--run_id', run_id)
    assert done.returncode == 0, done.stderr
  return folder / 'out'
