import { createTheme, Menu, Modal, Tooltip, type MantineColorsTuple } from "@mantine/core";

// White text on shades 6 and 7 keeps a contrast of 4.5 or more.
const indigo: MantineColorsTuple = [
  "#eef1fb",
  "#dbe1f5",
  "#b4c1ec",
  "#93a6e6",
  "#7d92e2",
  "#5470d6",
  "#4665d4",
  "#3755bc",
  "#2f4ba8",
  "#254093",
];

const red: MantineColorsTuple = [
  "#fdecec",
  "#f9d5d5",
  "#f3b8b8",
  "#ff9c9c",
  "#f27d7d",
  "#e05656",
  "#c93434",
  "#b42323",
  "#9c1c1c",
  "#831616",
];

// Mantine's greys of the dark scheme, as cool as the page's own surfaces.
const dark: MantineColorsTuple = [
  "#e7eaef",
  "#c3cad4",
  "#a0abba",
  "#7d8896",
  "#404958",
  "#2a303b",
  "#1f2530",
  "#191d25",
  "#13171e",
  "#11141a",
];

/** Read by the build too: it makes the stylesheet's variables of it. */
export const theme = createTheme({
  primaryColor: "indigo",
  colors: { indigo, red, dark },
  primaryShade: { light: 7, dark: 6 },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif",
  headings: { fontWeight: "650" },
  components: {
    // Locking the scroll and the default transitions work by style elements made
    // at run time, which the Content-Security-Policy forbids.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 120 } } }),
    Menu: Menu.extend({ defaultProps: { shadow: "md", position: "bottom-end" } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, openDelay: 300 } }),
  },
});
