'use strict';
// The tables of runs and of artifacts: searched, sorted and turned page by page, over all rows of the site. Rows come in
// scripts, data/NAME-1.js and on, which a page on a disk may read too; they are asked for when they are needed first.
(() => {
  const PAGE = 50;
  const rows = [];
  self.siteRows = rows;

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  // As on_one_line in Python: what cannot be seen shows as its number.
  const line = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, '0')}`);
  const cell = (className, ...children) => element('td', { className }, ...children);
  const bdi = (text) => element('bdi', {}, line(text));
  const link = (href, text, className = '') => element('a', { href, className }, bdi(text));
  const badge = (state) => (state ? element('span', { className: `badge state-${state}` }, state) : '');
  const when = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
  const count = (number) => (number === null ? '' : number.toLocaleString('en-US'));
  const duration = (seconds) => {
    if (seconds === null) {
      return '';
    }
    if (seconds < 60) {
      return `${seconds.toFixed(1)} s`;
    }
    const minutes = Math.floor(Math.round(seconds) / 60);
    return minutes < 60 ? `${minutes} min ${Math.round(seconds) % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  // What a row of each table is: building.py writes it.
  const KINDS = {
    runs: {
      filters: { state: 3, pipeline: 2 },
      text: (row) => `${row[1]} ${row[2]} ${row[3]}`,
      cells: (row, pages) => [
        cell('', link(`runs/${row[0] || row[1]}.html`, row[1], 'mono')),
        cell('', link(`pipelines/${pages[row[2]]}.html`, row[2] || 'no pipeline')),
        cell('', badge(row[3])),
        cell('when', when(row[4])),
        cell('num', duration(row[5])),
        cell('num rows', count(row[6])),
        cell('num less', count(row[7] || null)),
      ],
    },
    artifacts: {
      filters: { type: 1 },
      text: (row) => `${row[0]} ${row[1]} ${row[2]} ${row[5]}`,
      cells: (row) => [
        cell('', element('a', { href: `artifacts/${row[0]}.html` }, bdi(row[1]), ` ${row[0]}`)),
        cell('mono', bdi(row[2])),
        cell('less', badge(row[3])),
        cell('when less', when(row[4])),
        cell('', row[5] ? link(`runs/${row[6] || row[5]}.html`, row[5], 'mono') : ''),
      ],
    },
  };

  const listing = (root) => {
    const { name, chunks, total } = root.dataset;
    const kind = KINDS[name];
    const pages = JSON.parse(document.getElementById('site-pages').textContent);
    const form = root.querySelector('form');
    const pager = root.querySelector('.pager');
    const body = root.querySelector('tbody');
    const status = pager.querySelector('[role=status]');
    let page = 0;
    let sort = null;
    let loading = null;

    const load = () => {
      loading ??= Promise.all(
        Array.from({ length: Number(chunks) }, (_, number) => new Promise((resolve, reject) => {
          const script = element('script', { src: `data/${name}-${number + 1}.js`, async: false, onload: resolve, onerror: reject });
          document.head.append(script);
        })),
      ).then(() => {
        for (const row of rows) {
          row.text = kind.text(row).toLowerCase();
        }
      });
      return loading;
    };

    const chosen = () => {
      const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
      const filters = Object.entries(kind.filters)
        .map(([field, place]) => [place, form.elements[field]?.value || ''])
        .filter(([, value]) => value);
      const found = rows.filter((row) => words.every((word) => row.text.includes(word)) && filters.every(([place, value]) => row[place] === value));
      if (sort) {
        // What has no number comes last, either way.
        found.sort((one, other) => {
          const [a, b] = [one[sort.place], other[sort.place]];
          return a === b ? 0 : a === null ? 1 : b === null ? -1 : (a - b) * sort.sign;
        });
      }
      return found;
    };

    const turn = (found, length) => {
      const last = Math.max(0, Math.ceil(length / PAGE) - 1);
      page = Math.min(Math.max(page, 0), last);
      const begin = page * PAGE;
      status.textContent = length ? `${count(begin + 1)} to ${count(Math.min(begin + PAGE, length))} of ${count(length)}` : `No such ${name.slice(0, -1)}`;
      const [newer, older] = pager.querySelectorAll('button');
      newer.disabled = page === 0;
      older.disabled = page === last;
      if (found) {
        body.replaceChildren(...found.slice(begin, begin + PAGE).map((row) => element('tr', {}, ...kind.cells(row, pages))));
      }
    };

    const remember = () => {
      const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      if (page) {
        state.set('page', page + 1);
      }
      if (sort) {
        state.set('sort', `${sort.sign < 0 ? '-' : ''}${sort.place}`);
      }
      history.replaceState(null, '', `#${state}`);
    };

    const show = async () => {
      try {
        await load();
      } catch {
        status.textContent = 'The list cannot be read: is the folder data of the site there?';
        return;
      }
      const found = chosen();
      turn(found, found.length);
      root.querySelectorAll('th[data-sort]').forEach((heading) => {
        if (sort && Number(heading.dataset.sort) === sort.place) {
          heading.setAttribute('aria-sort', sort.sign < 0 ? 'descending' : 'ascending');
        } else {
          heading.removeAttribute('aria-sort');
        }
      });
      remember();
    };

    const recall = () => {
      const state = new URLSearchParams(location.hash.slice(1));
      let known = false;
      for (const field of form.elements) {
        if (state.has(field.name)) {
          field.value = state.get(field.name);
          known = true;
        }
      }
      if (/^\d+$/.test(state.get('page') || '')) {
        page = Number(state.get('page')) - 1;
        known = true;
      }
      if (/^-?\d+$/.test(state.get('sort') || '')) {
        const place = Math.abs(Number(state.get('sort')));
        sort = { place, sign: state.get('sort').startsWith('-') ? -1 : 1 };
        known = true;
      }
      return known;
    };

    root.querySelectorAll('th[data-sort]').forEach((heading) => {
      const button = element('button', { type: 'button', className: 'sort' }, heading.textContent);
      heading.replaceChildren(button);
      button.addEventListener('click', () => {
        const place = Number(heading.dataset.sort);
        sort = { place, sign: sort?.place === place ? -sort.sign : -1 };
        page = 0;
        show();
      });
    });
    form.addEventListener('focusin', load, { once: true });
    form.addEventListener('input', () => {
      page = 0;
      show();
    });
    form.addEventListener('submit', (event) => event.preventDefault());
    pager.addEventListener('click', (event) => {
      if (event.target.dataset.step) {
        page += Number(event.target.dataset.step);
        show().then(() => root.scrollIntoView({ block: 'start' }));
      }
    });
    form.hidden = false;
    pager.hidden = false;
    turn(null, Number(total));
    if (recall()) {
      show();
    }
  };

  // A feature's numbers, run by run, between the least and the largest; each leads to its run.
  const SVG = 'http://www.w3.org/2000/svg';
  const svg = (name, attributes, ...children) => {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  };
  const chart = (title, values, runs, folder, shown) => {
    const known = values.filter((value) => value !== null);
    if (!known.length) {
      return '';
    }
    const [least, largest] = [Math.min(...known), Math.max(...known)];
    const x = (place) => (values.length > 1 ? 5 + (990 * place) / (values.length - 1) : 500);
    const y = (value) => (largest - least > 1e-9 * Math.abs(largest) ? 95 - (90 * (value - least)) / (largest - least) : 50);
    let path = '';
    const points = values.map((value, place) => {
      if (value === null) {
        return '';
      }
      path += `${place && values[place - 1] !== null ? 'L' : 'M'}${x(place)} ${y(value)}`;
      const [page, run, began] = runs[place];
      return svg('a', { href: `${folder}${page}.html` },
        svg('path', { class: 'dot', d: `M${x(place)} ${y(value)}h0` }),
        svg('title', {}, `${line(run)}: ${shown(value)}, ${began}`));
    });
    const drawing = svg('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', role: 'group', 'aria-label': title },
      svg('path', { class: 'way', d: path }), ...points);
    return element('figure', { className: 'bars trend' },
      element('figcaption', {}, title),
      element('div', { className: 'scale' }, element('span', {}, shown(largest)), element('span', {}, shown(least))),
      element('div', { className: 'field' }, drawing),
      element('div', { className: 'ends' }, element('span', {}, runs[0][2]), element('span', {}, runs.at(-1)[2])));
  };

  // A pipeline's features: one split at a time, and those of a name.
  const features = (form) => {
    let loading = null;
    const load = () => {
      loading ??= new Promise((resolve, reject) => {
        document.head.append(element('script', { src: form.dataset.features, onload: resolve, onerror: reject }));
      });
      return loading;
    };
    const number = (value) => value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
    const percent = (value) => `${(100 * value).toFixed(1)}%`;
    const open = async (row, button, split, place) => {
      const isOpen = button.getAttribute('aria-expanded') === 'true';
      button.setAttribute('aria-expanded', String(!isOpen));
      if (isOpen) {
        row.nextElementSibling.remove();
        return;
      }
      const charts = element('div', { className: 'charts' });
      const cell = element('td', { colSpan: row.cells.length }, charts);
      row.after(element('tr', { className: 'detail' }, cell));
      try {
        await load();
        const { runs, figures, splits } = self.siteTrends;
        for (const [key, values] of splits[split][place]) {
          const [name, unit] = figures[key];
          charts.append(chart(name, values, runs, form.dataset.runs, unit === 'share' ? percent : number));
        }
      } catch {
        charts.append('The numbers cannot be read: is the folder data of the site there?');
      }
    };
    document.querySelectorAll('.split').forEach((split) => {
      split.querySelectorAll('tbody tr').forEach((row, place) => {
        const button = element('button', { type: 'button', className: 'open' }, ...row.cells[0].childNodes);
        button.setAttribute('aria-expanded', 'false');
        row.cells[0].replaceChildren(button);
        button.addEventListener('click', () => open(row, button, Number(split.dataset.split), place));
      });
    });
    const show = () => {
      const word = form.elements.q.value.trim().toLowerCase();
      document.querySelectorAll('.split').forEach((split) => {
        split.hidden = split.dataset.split !== form.elements.split.value;
        split.querySelectorAll('tbody tr').forEach((row) => {
          const feature = row.className === 'detail' ? row.previousElementSibling : row;
          row.hidden = !feature.querySelector('th').textContent.toLowerCase().includes(word);
        });
      });
    };
    form.addEventListener('input', show);
    form.addEventListener('submit', (event) => event.preventDefault());
    form.hidden = false;
    show();
  };

  document.querySelectorAll('.listing').forEach(listing);
  document.querySelectorAll('form[data-features]').forEach(features);
})();
