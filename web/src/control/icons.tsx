/** The page's icons: 24 x 24, one line of 1.75, drawn for this page. They say nothing to a screen reader; buttons do. */

// Functions: one element cannot stand in two places.
const PATHS = {
  record: () => <circle cx="12" cy="12" r="6.5" fill="currentColor" stroke="none" />,
  stop: () => <rect x="6.5" y="6.5" width="11" height="11" rx="2" fill="currentColor" stroke="none" />,
  snapshot: () => (
    <>
      <path d="M4 9.2a2 2 0 0 1 2-2h1.7l1.5-2.2h5.6l1.5 2.2H18a2 2 0 0 1 2 2v7.6a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z" />
      <circle cx="12" cy="12.9" r="3.3" />
    </>
  ),
  calibrate: () => (
    <>
      <circle cx="12" cy="5.6" r="2.1" />
      <path d="M12 8.6v6.2m0-5.4-4.4 4.2M12 9.4l4.4 4.2M12 14.8l-2.6 5.7m2.6-5.7 2.6 5.7" />
      <path d="M3.5 7V4.5A1 1 0 0 1 4.5 3.5H7M17 3.5h2.5a1 1 0 0 1 1 1V7" />
    </>
  ),
  virtualCamera: () => (
    <>
      <rect x="3" y="6.5" width="12.5" height="11" rx="2.2" />
      <path d="m15.5 10.8 5-2.8v8l-5-2.8z" />
      <path d="M9.2 9.5v5M6.7 12h5" />
    </>
  ),
  camera: () => (
    <>
      <rect x="3" y="6.5" width="12.5" height="11" rx="2.2" />
      <path d="m15.5 10.8 5-2.8v8l-5-2.8z" />
    </>
  ),
  cameraOff: () => (
    <>
      <path d="M6.5 6.5H5.2A2.2 2.2 0 0 0 3 8.7v6.6a2.2 2.2 0 0 0 2.2 2.2h8.1a2.2 2.2 0 0 0 2.2-2.2M10.5 6.5h2.8a2.2 2.2 0 0 1 2.2 2.2v2.1l5-2.8v8" />
      <path d="m4 4 16 16" />
    </>
  ),
  mirror: () => (
    <>
      <path d="M12 3.5v17" stroke-dasharray="2.2 2.6" />
      <path d="M9 7.5 3.5 17H9zM15 7.5l5.5 9.5H15z" />
    </>
  ),
  fullscreen: () => (
    <path d="M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4" />
  ),
  refresh: () => <path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.8v3.9h-3.9" />,
  help: () => (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M9.6 9.6a2.5 2.5 0 1 1 3.5 2.5c-.8.4-1.1.9-1.1 1.7" />
      <path d="M12 16.6v.1" stroke-width="2.2" />
    </>
  ),
  lock: () => (
    <>
      <rect x="5" y="10.5" width="14" height="9" rx="2" />
      <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5" />
    </>
  ),
  sun: () => (
    <>
      <circle cx="12" cy="12" r="3.8" />
      <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
    </>
  ),
  moon: () => <path d="M19.5 14.2A8 8 0 1 1 9.8 4.5a6.3 6.3 0 0 0 9.7 9.7z" />,
  broadcast: () => (
    <>
      <circle cx="12" cy="12" r="2" fill="currentColor" />
      <path d="M8.2 15.8a5.4 5.4 0 0 1 0-7.6M15.8 8.2a5.4 5.4 0 0 1 0 7.6M5.3 18.7a9.5 9.5 0 0 1 0-13.4M18.7 5.3a9.5 9.5 0 0 1 0 13.4" />
    </>
  ),
  phone: () => (
    <>
      <rect x="7" y="3" width="10" height="18" rx="2.3" />
      <path d="M11 17.8h2" />
    </>
  ),
  plus: () => <path d="M12 5.5v13M5.5 12h13" />,
  close: () => <path d="m6.5 6.5 11 11m0-11-11 11" />,
  reset: () => <path d="M5 12a7 7 0 1 0 2.1-5M5 4.5V8.2h3.7" />,
  check: () => <path d="m5.5 12.5 4.2 4.2 8.8-9.4" />,
  copy: () => (
    <>
      <rect x="8.5" y="8.5" width="11" height="11" rx="2" />
      <path d="M15.5 8.5v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2" />
    </>
  ),
  warning: () => (
    <>
      <path d="M12 4.5 3.6 18.8h16.8z" />
      <path d="M12 10.3v4" />
      <path d="M12 16.6v.1" stroke-width="2.2" />
    </>
  ),
  person: () => (
    <>
      <circle cx="12" cy="7.5" r="3.3" />
      <path d="M5.5 19.5c.4-4 3-6 6.5-6s6.1 2 6.5 6" />
    </>
  ),
  picture: () => (
    <>
      <rect x="3.5" y="5" width="17" height="14" rx="2" />
      <circle cx="9" cy="10" r="1.7" />
      <path d="m4 17.2 4.6-4.1 3.2 2.7 3.6-3.9 4.9 5" />
    </>
  ),
  trash: () => <path d="M5 7.5h14M9.5 7.5V5.3h5v2.2M7 7.5l.8 11.7h8.4L17 7.5M10.3 11v5M13.7 11v5" />,
  link: () => (
    <path d="M10.2 13.8a3.6 3.6 0 0 0 5.1 0l2.9-2.9a3.6 3.6 0 0 0-5.1-5.1l-1.1 1.1M13.8 10.2a3.6 3.6 0 0 0-5.1 0l-2.9 2.9a3.6 3.6 0 0 0 5.1 5.1l1.1-1.1" />
  ),
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon at the size of the text around it times 1.3, or so many pixels. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]()}
    </svg>
  );
}

/** The product's mark: a person and, in step behind, the double. */
export function Mark() {
  return (
    <svg class="mark" width="26" height="26" viewBox="0 0 26 26" fill="none" aria-hidden="true" focusable="false">
      <g stroke="var(--left)" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">
        <circle cx="16.5" cy="5.5" r="2.6" fill="var(--left)" stroke="none" />
        <path d="m22.5 8-6 3.2-5-1.5M16.5 11.2v5.3l3 6M16.5 16.5l-3.5 6" />
      </g>
      <g stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">
        <circle cx="9.5" cy="5.5" r="2.6" fill="currentColor" stroke="none" />
        <path d="m15.5 8-6 3.2-6-2M9.5 11.2v5.3l3 6M9.5 16.5 6 22.5" />
      </g>
    </svg>
  );
}
