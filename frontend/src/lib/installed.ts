/** Whether this page is the installed app, which people also open where there is no connection. */
export const isInstalled = (): boolean => typeof window.matchMedia === "function" && window.matchMedia("(display-mode: standalone)").matches;
