/** Our own line icons, 20 × 20, drawn with the text's colour. */

const PATHS = {
  left: "M12.5 4.5 7 10l5.5 5.5",
  right: "M7.5 4.5 13 10l-5.5 5.5",
  up: "M4.5 12.5 10 7l5.5 5.5",
  down: "M4.5 7.5 10 13l5.500-5.5",
  plus: "M10 4.5v11M4.5 10h11",
  minus: "M4.5 10h11",
  close: "m5 5 10 10M15 5 5 15",
  check: "m4.5 10.5 3.6 3.7 7.4-8.2",
  turnLeft: "M5 5.200v3.600h3.600M5.3 8.600A5.6 5.6 0 1 1 4.6 12",
  turnRight: "M15 5.200v3.600h-3.600M14.7 8.600A5.6 5.6 0 1 0 15.4 12",
  flip: "M10 3v14M7.3 6.5 3 10l4.3 3.500zM12.7 6.5 17 10l-4.3 3.500z",
  other: "M4 7.500h9.500M11 4.500l3 3-3 3M16 12.500H6.500M9 9.500l-3 3 3 3",
  note: "M4 16l.8-3.300L13.2 4.300a1.6 1.6 0 0 1 2.3 0l.2.200a1.6 1.6 0 0 1 0 2.300L7.3 15.200zM11.8 5.800l2.5 2.5",
  undo: "M7.5 5 4 8.5 7.5 12M4.5 8.500h7a4 4 0 0 1 0 8H8",
  skip: "M4.5 5l6 5-6 5zM11 5l5 5-5 5z",
  large: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  book: "M10 5.800C8.200 4.700 6 4.300 3.500 4.400v10.200c2.500-.1 4.700.3 6.500 1.400 1.800-1.100 4-1.500 6.500-1.400V4.400C14 4.300 11.800 4.700 10 5.800zM10 5.800v10.200",
  help: "M7.4 7.500a2.7 2.7 0 1 1 3.9 2.500c-.8.4-1.3 1-1.3 1.900M10 14.800h.01",
  adjust: "M4 6.500h6M14 6.500h2M4 13.500h2M10 13.500h6M12 6.500m-1.9 0a1.9 1.9 0 1 0 3.8 0a1.9 1.9 0 1 0-3.8 0M8 13.500m-1.9 0a1.9 1.9 0 1 0 3.8 0a1.9 1.9 0 1 0-3.8 0",
  outline: "M3 13.500C2 10.800 6 6.800 10.500 5.400s7-.8 6.500 1.600-4 5.800-8.500 7.200-5.200.4-5.500-.700z",
  file: "M10 13.500V4.500M6.5 7.500 10 4l3.500 3.500M4 13v3h12v-3",
  copy: "M7.500 7.500V4.500h8v8h-3M4.500 7.500h8v8h-8z",
  alarm: "M10 4 17 16H3zM10 8.500v3.500M10 14h.01",
  back: "M15.5 10h-11M9 5.5 4.5 10 9 14.5",
} as const;

export type IconName = keyof typeof PATHS | "invert";

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      {name === "invert" ? (
        <>
          <circle cx="10" cy="10" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
          <path d="M10 3.800a6.2 6.2 0 0 1 0 12.400z" fill="currentColor" />
        </>
      ) : (
        <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
      )}
    </svg>
  );
}
