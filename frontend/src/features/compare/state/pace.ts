/**
 * When Enter counts. One rule for keys that come too early:
 *
 * - Whatever Enter brings to the screen (the next galaxy, the finer row, another window) must be visible before it can be
 *   confirmed: its pictures are decoded and 0.7 s have passed, or it was moved. An Enter before that is refused.
 * - While the pictures of a chosen place are loading, one Enter is queued, and executed when they are ready.
 * - A key after a refused or a queued Enter was meant for something that is not on the screen. It is ignored, too
 *   (and a queued Enter is dropped), until no key has been pressed for a second. The main button shows this.
 *
 * A click or a tap always counts: people see what they point at.
 */

import type { KeyCommand } from "../hooks/keys";

export const STANDING_MS = 700;
export const QUIET_MS = 1000;
/** Most pictures load at once: a message that flashes up would only distract. */
export const LATE_MS = 300;

/** free: the main button works · rests: something new has been visible for too short a time · coming: pictures are late · kept: an Enter is queued · refused: keys are ignored. */
export type Mood = "free" | "rests" | "coming" | "kept" | "refused";

/** Keys that change only the display. */
const HARMLESS: ReadonlySet<KeyCommand["do"]> = new Set(["band", "next_band", "invert", "zoom", "turn", "flip", "reset", "help", "undo"]);

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Pace {
  private shown = "";
  private isReady = false;
  private isHeld = false;
  /** It has been visible for long enough, or was moved. */
  private isOpen = false;
  private isLate = false;
  private isKept = false;
  private isRefusing = false;
  private standing: Timer;
  private lateness: Timer;
  private quiet: Timer;
  private readonly watchers = new Set<() => void>();

  readonly watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  readonly mood = (): Mood => {
    if (this.isRefusing) return "refused";
    if (this.isKept) return "kept";
    if (!this.isReady) return this.isLate ? "coming" : "rests";
    return this.isOpen && !this.isHeld ? "free" : "rests";
  };

  /** What is on the screen now: which row of which galaxy, whether its big pictures are decoded, whether another galaxy is about to come. */
  show(shown: string, isReady: boolean, isHeld: boolean): void {
    const isNew = shown !== this.shown;
    const wasReady = this.isReady && !isNew;
    if (isNew) this.isOpen = this.isKept = false;
    if (isHeld) this.isKept = false;
    Object.assign(this, { shown, isReady, isHeld });
    if (isReady && !wasReady) {
      this.isLate = false;
      clearTimeout(this.lateness);
      clearTimeout(this.standing);
      if (!this.isOpen) this.standing = setTimeout(() => this.open(), STANDING_MS);
    }
    if (!isReady && (wasReady || isNew)) {
      this.isLate = false;
      clearTimeout(this.standing);
      clearTimeout(this.lateness);
      this.lateness = setTimeout(() => {
        this.isLate = true;
        this.tell();
      }, LATE_MS);
    }
    this.tell();
  }

  /** Whether a queued Enter should be executed now; true only once. */
  takeKept(): boolean {
    if (!this.isKept || !this.isReady || this.isHeld) return false;
    this.isKept = false;
    this.tell();
    return true;
  }

  /** Whether a key's command may be executed. */
  allows(command: KeyCommand["do"]): boolean {
    if (HARMLESS.has(command)) return true;
    if (command !== "confirm") return this.isRefusing || this.isKept || (command === "skip" && !this.isOpen) ? this.refuse() : true;
    if (this.mood() === "free") return true;
    if (this.isRefusing || this.isHeld || !this.isOpen) return this.refuse();
    this.isKept = true;
    this.tell();
    return false;
  }

  /** The galaxy was moved, or a button was pressed. */
  touched(): void {
    this.isKept = this.isRefusing = false;
    clearTimeout(this.quiet);
    this.open();
  }

  stop(): void {
    for (const timer of [this.standing, this.lateness, this.quiet]) clearTimeout(timer);
    // The component may be mounted again (React's strict mode mounts twice).
    this.shown = "";
  }

  private open(): void {
    this.isOpen = true;
    clearTimeout(this.standing);
    this.tell();
  }

  private refuse(): false {
    this.isKept = false;
    this.isRefusing = true;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => {
      this.isRefusing = false;
      this.tell();
    }, QUIET_MS);
    this.tell();
    return false;
  }

  private tell(): void {
    for (const notify of this.watchers) notify();
  }
}
