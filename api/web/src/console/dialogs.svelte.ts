/** Which dialog is open over the console, and what it is about. */
export type Dialog =
  | { name: "publish" | "compare" | "branch" | "close" }
  | { name: "urgent"; customer?: { id: string; kind: "customer" | "premises" } }
  | { name: "call_off" | "split"; visit: string };

class Dialogs {
  open = $state.raw<Dialog | null>(null);

  close = (): void => {
    this.open = null;
  };
}

export const dialogs = new Dialogs();
