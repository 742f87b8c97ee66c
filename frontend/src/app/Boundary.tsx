import { Component, type ReactNode } from "react";

/** The last net: a page that failed says so, and that the votes are safe (they are in the browser's store). */
export class Boundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <main className="message">
        <h1>Something went wrong on this page</h1>
        <p>Your votes are kept and will be sent. Loading the page again usually helps.</p>
        <button className="button primary" type="button" onClick={() => window.location.reload()}>
          Load again
        </button>
      </main>
    );
  }
}
