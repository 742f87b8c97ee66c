// Control characters except tab and line feed, and unpaired surrogates: nobody types them, and the server refuses them.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Removes pasted control characters and broken symbols, so that the text can be stored. */
export function plainText(text: string): string {
  return text.replace(UNPRINTABLE, "");
}
