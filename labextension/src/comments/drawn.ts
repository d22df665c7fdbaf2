/** The icons of comments as drawings, in JupyterLab's style, for pages with and without JupyterLab. */

/** Something that is drawn on a button. */
export type Icon = keyof typeof PATHS;

const BUBBLE =
  'M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-4.2 3.7A.5.5 0 0 1 4 21.3V18a2 2 0 0 1-2-2V5c0-1.1.9-2 2-2z';

const PATHS = {
  comment: `${BUBBLE}M4 5v11h2v2.9L9.300 16H20V5zM7 8h10v1.800H7zm0 3.600h7v1.800H7z`,
  addComment: `${BUBBLE}M4 5v11h2v2.900L9.300 16H20V5zM11.100 7h1.800v2.600h2.600v1.800h-2.600V14h-1.800v-2.600H8.500V9.600h2.600z`,
  reopen:
    'M12 5V1.500L7 6.300l5 4.700V7a5.500 5.500 0 1 1-5.500 5.500h-2A7.500 7.500 0 1 0 12 5z',
  // As JupyterLab draws them.
  check: 'M9 16.17 4.83 12l-1.42 1.41L9 19 21 7l-1.41-1.41z',
  delete:
    'M6 19c0 1.1.9 2 2 2h8c1.1 0 2-.9 2-2V7H6zM19 4h-3.5l-1-1h-5l-1 1H5v2h14z',
  edit: 'M3 17.25V21h3.75L17.81 9.94l-3.75-3.75zM20.71 7.04a.996.996 0 0 0 0-1.41l-2.34-2.34a.996.996 0 0 0-1.41 0l-1.83 1.83 3.75 3.75z',
  link: 'M3.9 12c0-1.71 1.39-3.1 3.1-3.1h4V7H7c-2.76 0-5 2.24-5 5s2.24 5 5 5h4v-1.9H7c-1.71 0-3.1-1.39-3.1-3.1M8 13h8v-2H8zm9-6h-4v1.9h4c1.71 0 3.1 1.39 3.1 3.1s-1.39 3.1-3.1 3.1h-4V17h4c2.76 0 5-2.24 5-5s-2.24-5-5-5',
  kernel:
    'M15 9H9v6h6zm-2 4h-2v-2h2zm8-2V9h-2V7c0-1.1-.9-2-2-2h-2V3h-2v2h-2V3H9v2H7c-1.1 0-2 .9-2 2v2H3v2h2v2H3v2h2v2c0 1.1.9 2 2 2h2v2h2v-2h2v2h2v-2h2c1.1 0 2-.9 2-2v-2h2v-2h-2v-2zm-4 6H7V7h10z'
} as const;

/** Return an icon as the text of an SVG; JupyterLab's themes colour it by its class. */
export function svgOf(icon: Icon): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161"><path d="${PATHS[icon]}"/></g></svg>`;
}

/** Return an icon as a new element. */
export function draw(icon: Icon, size = '16px'): SVGElement {
  const made = document.createElement('template');
  made.innerHTML = svgOf(icon);
  const svg = made.content.firstElementChild as SVGElement;
  svg.style.width = svg.style.height = size;
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}
