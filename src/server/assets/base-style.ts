/** Colours, type and the frame of every page. */

import { css } from './css.js'

export const baseStyle = css`
  :root {
    color-scheme: light dark;
    --page: #f6f7f9;
    --card: #ffffff;
    --line: #dfe3e8;
    --hover: #f3f5f8;
    --text: #1b2430;
    --muted: #5a6675;
    --link: #0b5cad;
    --accent: #1f6feb;
    --served: #1f6feb;
    --downloaded: #c2570c;
    --joined: #7a5af5;
    --good-text: #14532d;
    --good: #dcf5e3;
    --danger: #b42318;
    --max: 72rem;
    --warn-text: #8a4b08;
    --warn: #fdf1dc;
    --field: #ffffff;
    --code: #f0f2f5;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #10151c;
      --card: #171e27;
      --line: #2b3542;
      --hover: #1c2530;
      --text: #e3e8ee;
      --muted: #9aa7b6;
      --link: #7db7ff;
      --accent: #4c93f5;
      --served: #5da2ff;
      --downloaded: #f09a52;
      --joined: #a78bfa;
      --good-text: #9be4b4;
      --good: #12331f;
      --danger: #ff8a7a;
      --warn-text: #f3c173;
      --warn: #3a2c12;
      --field: #0f141a;
      --code: #0f141a;
    }
  }
  * {
    box-sizing: border-box;
  }
  /* The head of a table stays in view: nothing that gets the focus lies below it. */
  html {
    scroll-padding-top: 3rem;
  }
  body {
    margin: 0;
    background: var(--page);
    color: var(--text);
    font:
      0.9375rem/1.5 system-ui,
      -apple-system,
      'Segoe UI',
      Roboto,
      'Helvetica Neue',
      'Noto Sans',
      'Liberation Sans',
      Arial,
      sans-serif;
    font-variant-numeric: tabular-nums;
    -webkit-text-size-adjust: 100%;
  }
  a {
    color: var(--link);
    text-underline-offset: 0.15em;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
    border-radius: 3px;
  }
  main:focus {
    outline: none;
  }
  [hidden] {
    display: none !important;
  }
  code,
  pre {
    font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
    font-size: 0.875em;
  }
  pre code {
    font-size: inherit;
  }
  .unseen,
  .skip:not(:focus) {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .skip:focus {
    position: absolute;
    z-index: 1;
    top: 0.5rem;
    left: 0.5rem;
    padding: 0.5rem 1rem;
    background: var(--card);
    border-radius: 6px;
  }
  .top {
    background: var(--card);
    border-bottom: 1px solid var(--line);
  }
  .bar,
  main,
  footer {
    max-width: var(--max);
    margin: 0 auto;
    padding: 0 1.25rem;
  }
  .bar {
    display: flex;
    gap: 0 1.75rem;
    align-items: center;
    flex-wrap: wrap;
  }
  .brand {
    padding: 0.75rem 0;
    color: var(--text);
    font-size: 1.125rem;
    font-weight: 700;
    letter-spacing: -0.01em;
    text-decoration: none;
  }
  nav ul {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1.25rem;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .bar nav a {
    display: block;
    padding: 0.875rem 0 0.75rem;
    border-bottom: 2px solid transparent;
    color: var(--muted);
    text-decoration: none;
  }
  .bar nav a:focus-visible {
    outline-offset: -2px;
  }
  .bar nav a:hover {
    color: var(--text);
  }
  .bar nav a[aria-current] {
    border-color: var(--accent);
    color: var(--text);
    font-weight: 600;
  }
  .n {
    display: inline-block;
    min-width: 1.25rem;
    padding: 0 0.375rem;
    border-radius: 1rem;
    background: var(--page);
    color: var(--text);
    font-size: 0.75rem;
    font-weight: 600;
    line-height: 1.25rem;
    text-align: center;
  }
  .done {
    max-width: none;
    padding: 0.625rem 1rem;
    border-radius: 8px;
    background: var(--good);
    color: var(--good-text);
  }
  main {
    padding-top: 1.5rem;
    padding-bottom: 1rem;
  }
  h1 {
    margin: 0 0 1rem;
    font-size: 1.375rem;
    line-height: 1.25;
    letter-spacing: -0.01em;
  }
  h3 {
    margin: 0 0 0.25rem;
    font-size: 0.8125rem;
    line-height: 1.4;
  }
  h2 {
    margin: 0 0 0.625rem;
    font-size: 1rem;
    line-height: 1.25;
  }
  section {
    margin: 0 0 1.75rem;
  }
  p {
    margin: 0 0 0.75rem;
    max-width: 46rem;
  }
  main > p {
    margin-bottom: 1.25rem;
  }
  main > p:has(+ form, + .note, + .list),
  main > .note {
    margin-bottom: 0.75rem;
  }
  .note {
    color: var(--muted);
    font-size: 0.8125rem;
  }
  .empty {
    margin: 0;
    max-width: none;
    padding: 1rem;
    border: 1px dashed var(--line);
    border-radius: 8px;
    color: var(--muted);
  }
  footer {
    padding-top: 0.5rem;
    padding-bottom: 2rem;
    color: var(--muted);
    font-size: 0.8125rem;
  }
  footer p {
    margin: 0;
  }
  @media (min-width: 90rem) {
    :root {
      --max: 112rem;
    }
  }
  @media (max-width: 40rem) {
    .bar,
    main,
    footer {
      padding-left: 1rem;
      padding-right: 1rem;
    }
    .bar {
      display: block;
      padding-top: 0.375rem;
    }
    .bar nav,
    .bar nav ul {
      display: inline;
    }
    .bar :is(.brand, nav li) {
      display: inline-block;
      margin-right: 0.875rem;
    }
    .bar nav li {
      font-size: 0.875rem;
    }
    .bar nav a {
      padding: 0.375rem 0 0.5rem;
    }
    .brand {
      padding: 0;
    }
  }
`
