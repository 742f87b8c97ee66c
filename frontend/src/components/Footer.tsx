import { PREDICT_ADDRESS } from "@/lib/router";
import { Link } from "./Link";
import { ThemeChoice } from "./ThemeChoice";

export function Footer({ isStaff = false }: { isStaff?: boolean }) {
  return (
    <footer className="site-footer">
      <nav aria-label="More">
        <Link to={PREDICT_ADDRESS}>Ask the network</Link>
        <a href="/guide">Volunteer guide</a>
        <a href="/about">About</a>
        <a href="/contact">Contact</a>
        <a href="/privacy">Privacy</a>
        <a href="/api/v1/docs/">API</a>
        {isStaff && <a href="/staff/dashboard/">Staff</a>}
      </nav>
      <ThemeChoice />
    </footer>
  );
}
