/** Lets an async generator wait for what callbacks report. */
export class Changes {
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.fail(this.#signal.reason);
  #error: { reason: unknown } | undefined;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort);
  }

  /** Applies a change, and wakes the reader. */
  note(apply: () => void): void {
    try {
      apply();
    } catch (error) {
      this.fail(error);
    }
    this.#hasChanged = true;
    this.#wake?.();
  }

  /** Ends the wait with an error. */
  readonly fail = (reason: unknown): void => {
    this.#error ??= { reason };
    this.#wake?.();
  };

  /** Waits for the next change. Returns whether there was one within `ms`, if that is given. Throws the error, if any. */
  async next(ms?: number): Promise<boolean> {
    this.#signal.throwIfAborted();
    if (!this.#hasChanged && !this.#error) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    if (this.#error) {
      throw this.#error.reason;
    }
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
  }
}
