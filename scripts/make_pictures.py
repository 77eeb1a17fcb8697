"""Makes the pictures in docs/images from runs over the real taxi trips, with Debian's chromium.

.venv/bin/python scripts/make_pictures.py
"""

import pathlib
import subprocess
import sys
import tempfile
from typing import Literal

from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAXI = ROOT / 'data' / 'taxi' / 'data.csv'
IMAGES = ROOT / 'docs' / 'images'
CHROMIUM = '/usr/bin/chromium'
DESKTOP = ViewportSize(width=1200, height=800)
PHONE = ViewportSize(width=390, height=800)


def main() -> None:
  subprocess.run([sys.executable, ROOT / 'scripts' / 'fetch_taxi_data.py'], check=True)
  IMAGES.mkdir(exist_ok=True)
  with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
    folder = pathlib.Path(name)
    lines = TAXI.read_text().splitlines(keepends=True)
    # Each day of a week has more trips. The last run has all of them.
    for day in range(1, 8):
      (folder / 'trips.csv').write_text(''.join(lines[: 1 + len(lines) * day // 7]))
      run(folder, '--input', 'trips.csv', '--output', 'out', '--run_id', f'2026-11-{day:02}', '--pipeline_name', 'taxi')
    run(folder, 'site', '--output', 'out', '--out', 'site')
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])

    def page(path: str, size: ViewportSize, scheme: Literal['light', 'dark'] = 'light') -> Page:
      opened = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1).new_page()
      opened.goto((folder / path).as_uri())
      opened.wait_for_load_state('networkidle')
      return opened

    report = 'out/runs/2026-11-07/report/index.html'
    keep(page(report, DESKTOP), 'report')
    opened = page(report, DESKTOP)
    feature = opened.get_by_role('button', name='trip_start_hour', exact=True).first
    feature.click()
    opened.locator(f'#{feature.get_attribute("aria-controls")} .charts[data-drawn]').wait_for()
    opened.evaluate(
      'button => window.scrollTo(0, button.getBoundingClientRect().top + scrollY - 110)', feature.element_handle()
    )
    keep(opened, 'feature')
    keep(page(report, PHONE, 'dark'), 'phone')
    keep(page('site/index.html', DESKTOP), 'site')
    browser.close()


def run(folder: pathlib.Path, *words: str) -> None:
  command = [sys.executable, str(ROOT / 'main.py'), *words]
  subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def keep(page: Page, name: str) -> None:
  page.screenshot(path=IMAGES / f'{name}.png')
  print(IMAGES / f'{name}.png')


if __name__ == '__main__':
  main()
