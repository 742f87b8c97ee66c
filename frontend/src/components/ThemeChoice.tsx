import type { Theme } from "@/lib/api/types";
import { setPreferences, usePreferences } from "@/lib/preferences";

const THEMES: readonly { theme: Theme; text: string }[] = [
  { theme: "system", text: "Same as device" },
  { theme: "light", text: "Light" },
  { theme: "dark", text: "Dark" },
];

export function ThemeChoice() {
  const { theme: chosen } = usePreferences();
  return (
    <div className="theme-choice" role="radiogroup" aria-label="Theme">
      {THEMES.map(({ theme, text }) => (
        <label key={theme}>
          <input type="radio" name="theme" checked={theme === chosen} onChange={() => setPreferences({ theme })} />
          {text}
        </label>
      ))}
    </div>
  );
}
