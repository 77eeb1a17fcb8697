'use strict';
// The theme: the system's, or the one that was chosen. A page from a disk or in a frame may have no storage.
(() => {
  const select = document.getElementById('theme');
  const key = 'beam_taxi.theme';
  const set = (theme) => {
    if (theme) {
      document.documentElement.dataset.theme = theme;
    } else {
      delete document.documentElement.dataset.theme;
    }
    document.dispatchEvent(new Event('theme'));
  };
  let stored = '';
  try {
    stored = localStorage.getItem(key) || '';
  } catch {
    stored = '';
  }
  if (stored === 'light' || stored === 'dark') {
    select.value = stored;
    set(stored);
  }
  select.addEventListener('change', () => {
    set(select.value);
    try {
      localStorage.setItem(key, select.value);
    } catch {
      // Then it is forgotten with the page.
    }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.dispatchEvent(new Event('theme')));
})();
