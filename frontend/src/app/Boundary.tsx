import { Component, type ReactNode } from "react";
import { lookForNewBuild } from "@/lib/freshness";

interface Props {
  /** The address; after a failure, another page is tried normally. */
  path: string;
  children: ReactNode;
}

/** The error boundary: says that the page failed, and that the votes are safe (they are in the browser's store). */
export class Boundary extends Component<Props, { hasFailed: boolean; path: string }> {
  override state = { hasFailed: false, path: this.props.path };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps({ path }: Props, state: { hasFailed: boolean; path: string }) {
    return path === state.path ? null : { hasFailed: false, path };
  }

  override componentDidCatch() {
    void lookForNewBuild();
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <main className="message">
        <h1>Something went wrong on this page</h1>
        <p>Your votes are saved and will be sent. Reloading the page usually helps.</p>
        <p className="actions">
          <button className="button primary" type="button" onClick={() => window.location.reload()}>
            Reload the page
          </button>
        </p>
      </main>
    );
  }
}
