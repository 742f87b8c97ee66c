import { readdirSync } from "node:fs";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));

const forbid = (files, groups, message, ignores = []) => ({
  files,
  ignores,
  rules: { "no-restricted-imports": ["error", { patterns: [{ group: groups, message }] }] },
});

const relativeUpIntoFeatures = ["../../features/*", "../../../features/*"];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/lib/api/schema.gen.ts", "dev"] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  reactHooks.configs.flat["recommended-latest"],
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
    },
  },
  { files: ["src/**/*.tsx"], rules: { "max-lines": ["error", { max: 250 }] } },
  // Floors: app → features → components → lib, never upward; features never import each other.
  forbid(["src/lib/**"], ["@/app/*", "@/features/*", "@/components/*", ...relativeUpIntoFeatures], "lib stands at the bottom"),
  forbid(["src/components/**"], ["@/app/*", "@/features/*", ...relativeUpIntoFeatures], "components stand below features"),
  ...features.map((name) =>
    forbid(
      [`src/features/${name}/**`],
      ["@/app/*", ...features.filter((other) => other !== name).flatMap((other) => [`@/features/${other}`, `@/features/${other}/**`, `**/../${other}/**`])],
      "features never import each other, nor the app",
    ),
  ),
  {
    files: ["src/features/compare/rules/**"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ group: ["react", "react-*", "@/*", "../*"], message: "the rules are pure: no React, nothing from outside" }] }],
    },
  },
);
