"""Pages to look at in a browser: each one file that asks nobody for anything, made by Jinja2 and small JavaScript.

`rendering` renders; `templates/` and `assets/` are what it renders and puts in. What is shown comes from data and may
hold markup or script: templates escape all of it, data for scripts is JSON that no tag can end, and each page has a
policy by which a browser runs no script but the page's own and sends nothing anywhere.
"""
