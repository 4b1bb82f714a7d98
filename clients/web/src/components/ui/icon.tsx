import type { ReactNode } from "react";

const PATHS = {
  alert: <path d="M12 8v5m0 3.5v.01M10.3 4.2 2.6 17.6A2 2 0 0 0 4.3 20.6h15.4a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z" />,
  arrowDown: <path d="M12 5v14m-6-6 6 6 6-6" />,
  arrowRight: <path d="M5 12h14m-6-6 6 6-6 6" />,
  arrowUp: <path d="M12 19V5m-6 6 6-6 6 6" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  checkCircle: <path d="M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM8.5 12.2l2.5 2.5 4.7-5" />,
  chevronDown: <path d="m6 9 6 6 6-6" />,
  chevronLeft: <path d="m15 6-6 6 6 6" />,
  chevronRight: <path d="m9 6 6 6-6 6" />,
  code: <path d="m8 7-5 5 5 5m8-10 5 5-5 5M14 4l-4 16" />,
  copy: <path d="M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM16 9V4a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3" />,
  external: <path d="M11 6H6a2 2 0 0 0-2 2v10a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-5M14 4h6v6m0-6L10.5 13.5" />,
  inbox: <path d="M4 13 6.6 5.3A2 2 0 0 1 8.5 4h7a2 2 0 0 1 1.9 1.3L20 13m-16 0v5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-5m-16 0h4.5l1.5 3h4l1.5-3H20" />,
  key: <path d="M14.5 13.5a5 5 0 1 0-4.3-2.5L3.5 17.7V21h3.3v-2.2H9v-2.2h2.2l2-2.2Zm2-6.5v.01" />,
  monitor: <path d="M4 5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Zm4 15h8m-4-4v4" />,
  moon: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z" />,
  pencil: <path d="M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17v3Zm11-13 3 3" />,
  plus: <path d="M12 5v14M5 12h14" />,
  question: <path d="M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1.9-1.1 1.8m0 3v.01" />,
  refresh: <path d="M20 11a8 8 0 0 0-14.5-4L4 9m0-5v5h5m-5 4a8 8 0 0 0 14.5 4l1.5-2m0 5v-5h-5" />,
  search: <path d="M17 10.5a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0Zm-1.8 4.7L20 20" />,
  shield: <path d="M12 3 4.5 6v5.5c0 4.6 3.1 7.9 7.5 9.5 4.4-1.6 7.5-4.9 7.5-9.5V6L12 3Zm0 5.5v4.5m0 3v.01" />,
  signOut: <path d="M14 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h6a2 2 0 0 0 2-2v-2M9 12h12m-3.5-3.5L21 12l-3.5 3.5" />,
  sun: <path d="M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM12 2.5v2m0 15v2m9.5-9.5h-2m-15 0h-2m16.2-6.7-1.4 1.4M6.7 17.3l-1.4 1.4m13.4 0-1.4-1.4M6.7 6.7 5.3 5.3" />,
  trash: <path d="M4 7h16M10 11v6m4-6v6M6 7l.8 12a2 2 0 0 0 2 1.9h6.4a2 2 0 0 0 2-1.9L18 7M9 7V5a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2" />,
  update: <path d="M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Zm-9 4V8m-3.5 3.5L12 8l3.5 3.5" />,
  user: <path d="M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM5 20.5c.4-3.6 3.3-5.5 7-5.5s6.6 1.9 7 5.5" />,
  x: <path d="m6 6 12 12M18 6 6 18" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

/** A line drawing beside a text that says the same; hidden from screen readers. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]}
    </svg>
  );
}
