import { useState } from "react";
import { Icon, type IconName } from "./icons";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const ICONS: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };

/** Goes through the themes: what the system says, light, dark. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(
    () => (document.documentElement.dataset.theme as Theme | undefined) ?? "auto",
  );
  const choose = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Without storage the choice holds until the page is closed.
    }
    setTheme(next);
  };
  return (
    <button className="quiet" aria-label={`Colours: ${theme}`} title={`Colours: ${theme}`} onClick={choose}>
      <Icon name={ICONS[theme]} />
    </button>
  );
}
