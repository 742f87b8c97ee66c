import type { MouseEvent, ReactNode } from "react";
import { navigate } from "@/lib/router";

interface Props {
  to: string;
  className?: string;
  children: ReactNode;
  "aria-label"?: string;
}

/** A link inside this app; modified clicks keep their usual meaning. */
export function Link({ to, children, ...rest }: Props) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
