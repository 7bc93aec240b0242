const PATHS = {
  plus: "M12 5v14M5 12h14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  stop: "M7 7h10v10H7z",
  edit: "M4 20h4L19 9l-4-4L4 16v4ZM13.5 6.5l4 4",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4.5h-4.5",
  copy: "M9 9h10v11H9zM6 15H5V4h10v1",
  check: "M5 12.5 10 17 19 7",
  memory: "M12 20.5a8.5 8.5 0 1 1 8.5-8.5M12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4M12 16.8A4.8 4.8 0 1 1 16.8 12",
  chart: "M4 6h16M4 12h10M4 18h6",
  clip: "M19.5 11.5 11.6 19.4a5 5 0 0 1-7-7l8.3-8.3a3.3 3.3 0 0 1 4.7 4.7l-8.3 8.3a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  rule: "M5 5h14v11H10l-5 4zM9 9h6M9 12h4",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10 12h5M10 16h5",
  down: "M6 9.5l6 6 6-6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
  auto: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 4v16M12 8l4.5-2M12 12h8M12 16l4.5 2",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside words, or inside a button that has a label: never the only name of a thing. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
